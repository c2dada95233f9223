-- Redis on a port of its own.
--
--   redis.start() → s    s.address, s.port;  s:kill() (SIGKILL)

local eventually = require "support.eventually"
local net = require "support.net"
local process = require "support.process"

local redis = {}
local Redis = {}
Redis.__index = Redis

function redis.start()
  local address, port = net.refused()
  local one = process.spawn {
    argv = { "redis-server", "--port", tostring(port), "--bind", "127.0.0.1", "--save", "" },
    name = "redis",
  }
  eventually(function() return one:stdout():find "Ready to accept connections" end, 10)
  return setmetatable({ address = address, port = port, process = one }, Redis)
end

function Redis:kill()
  self.process:kill "KILL"
  self.process:wait()
end

return redis
