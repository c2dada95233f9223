-- Backends from a file, JSON or Lua, which is looked at ten times a second and read when it has
-- changed. Whoever writes it should write another file and rename it: then it is never half there.

local files = require "neap.discover.files"
local list = require "neap.discover.list"
local neap = require "neap"
local sandbox = require "neap.runtime.sandbox"
local web = require "neap.discover.web"

local LOOK_EVERY = 0.1 -- seconds

local function evaluate(path, bytes)
  if not path:find "%.lua$" then return web.decode(bytes) end
  if bytes:find "^\27" then return nil, "this is bytecode (expected Lua source)" end
  local value, why = sandbox.run(bytes, "@" .. path)
  if value == nil then
    return nil, why and tostring(why):gsub("\n.*$", "") or "it returns nothing"
  end
  return value
end

local function read(settings)
  local bytes, why = files.load(settings.path, settings.max_bytes)
  if not bytes then return nil, why end
  local value, members, revision
  value, why = evaluate(settings.path, bytes)
  if value ~= nil then members, revision = list.of(value) end
  if members then return members, revision end
  return nil, ("%s: %s"):format(settings.path, revision or why)
end

local function take(settings, registry, stamp)
  local members, revision = read(settings)
  if not members then
    registry:fail(revision)
    return false
  end
  registry:list(members, revision or stamp:match "^[^ ]+")
  return true
end

return function(settings, registry)
  local seen, is_good
  while true do
    local stamp, why = files.stamp(settings.path)
    if stamp and stamp ~= seen then
      is_good = take(settings, registry, stamp)
    elseif stamp and is_good then
      registry:same()
    elseif not stamp then
      registry:fail(why)
    end
    seen = stamp
    neap.sleep(LOOK_EVERY)
  end
end
