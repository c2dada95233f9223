-- The balancer with files of its own in /etc (hosts, resolv.conf), in a mount namespace of its own,
-- which takes root.
--
--   etc.is_able → boolean;  etc.test(name, fn): `it` where that is possible, else `pending`
--   etc.write{ hosts = "text", ["resolv.conf"] = "text" } → paths by name
--   etc.binary(paths) → path of a neap that sees them; to be given to neap.start

local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"
local neap = require "support.neap"
local process = require "support.process"
local scope = require "support.scope"

local etc = {}

etc.is_able = unistd.geteuid() == 0 and process.run { argv = { "unshare", "-m", "true" } } == 0

function etc.write(files)
  local paths, folder = {}, scope.directory()
  for name, text in pairs(files) do
    paths[name] = folder .. "/" .. name
    scope.write(paths[name], text)
  end
  return paths
end

function etc.binary(paths)
  local lines = {}
  for name, path in pairs(paths) do
    table.insert(lines, ("mount --bind %s /etc/%s"):format(path, name))
  end
  local path = scope.directory() .. "/neap"
  scope.write(path, ("#!/bin/sh\nexec unshare -m sh -c '%s && exec \"$@\"' sh %s \"$@\"\n")
    :format(table.concat(lines, " && "), neap.binary))
  stat.chmod(path, tonumber("755", 8))
  return path
end

return etc
