-- The examples as their users run them: their own files, with the ports that they name moved to
-- where the spec's backends are, and their listeners to ports of the system's choice.
--
--   example.start("name", { [8081] = origin, … }, options) → n    options: as neap.start's; config:
--                                                      the file's name, if not config.lua
--   example.checked(n, origins)    waits until the first check of each of them has found it alive
--   example.moved(text, { [8081] = origin }) → the text of such a file, moved
--   example.text("name", "policy.lua") → what is in that file
--   example.check("name", "config.lua") → code, output of neap -t on the file as it is
--   example.names() → all of them

local dirent = require "posix.dirent"
local unistd = require "posix.unistd"
local neap = require "support.neap"
local scope = require "support.scope"

local example = {}

local FOLDER = unistd.getcwd() .. "/examples"

function example.text(name, file) return scope.read(("%s/%s/%s"):format(FOLDER, name, file)) end

function example.names()
  local names = {}
  for name in dirent.files(FOLDER) do
    if not name:find "^%." and not name:find "%.md$" then table.insert(names, name) end
  end
  table.sort(names)
  return names
end

-- Every port that it names: those of the spec's backends, else 0 where it listens.
function example.moved(text, backends)
  for port, backend in pairs(backends) do
    text = text:gsub("(//%l[%w.]*:)" .. port, "%1" .. backend.port)
    text = text:gsub("(//[%d.]+:)" .. port, "%1" .. backend.port)
  end
  text = text:gsub('"[%d.]*:%d+"', '"127.0.0.1:0"') -- backends are URLs, what listens is not
  return (text:gsub('"port": "8080"', '"port": "0"'))
end

function example.start(name, backends, options)
  options = options or {}
  local config = options.config or "config.lua"
  local files = {}
  for file in dirent.files(("%s/%s"):format(FOLDER, name)) do
    if file:find "%.pem$" or file:find "%.html$" then files[file] = example.text(name, file) end
    if file:find "%.lua$" then files[file] = example.moved(example.text(name, file), backends) end
  end
  return neap.start {
    config = example.moved(example.text(name, config), backends),
    config_name = config,
    files = files,
    allow = options.allow,
    args = options.args or { "-w", "1" },
  }
end

function example.checked(n, origins)
  for _, one in ipairs(origins) do n:wait_log(":" .. one.port .. " checked ok by healthcheck") end
end

function example.check(name, file)
  return neap.check { path = ("%s/%s/%s"):format(FOLDER, name, file or "config.lua") }
end

return example
