-- A neap whose backends a registry lists.
--
--   discovered.start(settings, more, options) → n   settings: those of `discover`, as text; more:
--       of the config; options: files, binary, as of neap.start
--   discovered.shows(n, names, limit) → the backends by name, once they are these

local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"

local discovered = {}

function discovered.start(settings, more, options)
  options = options or {}
  local n = neap.start {
    config = neap.config({}, ([[ health = { type = "none" }, admin = { listen = "127.0.0.1:0" },
      discover = { %s }, %s]]):format(settings, more or "")),
    files = options.files, binary = options.binary,
  }
  n:allow "discover of pool"
  return n
end

local function names_of(n)
  local names, by_name = {}, {}
  for i, backend in ipairs(admin.status(n).pools[1].backends) do
    names[i], by_name[backend.name] = backend.name, backend
  end
  return names, by_name
end

function discovered.shows(n, names, limit)
  local wanted = table.concat(names, " ")
  return eventually(function()
    local found, by_name = names_of(n)
    return table.concat(found, " ") == wanted and by_name
  end, limit)
end

return discovered
