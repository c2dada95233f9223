-- Redis on a port of its own.
--
--   redis.start(options, address) → s    options: a list of further arguments, "PORT" is its port;
--       address: where it was before
--   s.address, s.port;  s:call("GET", "a") → what redis-cli says
--   s:kill() (SIGKILL);  s:clients() → connections it has, this call's apart

local eventually = require "support.eventually"
local net = require "support.net"
local process = require "support.process"

local redis = {}
local Redis = {}
Redis.__index = Redis

function redis.start(options, address)
  address = address or (net.refused())
  local port = address:match "%d+$"
  local argv = { "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "" }
  for _, word in ipairs(options or {}) do
    table.insert(argv, word == "PORT" and port or word)
  end
  local one = process.spawn { argv = argv, name = "redis" }
  eventually(function() return one:stdout():find "Ready to accept connections" end, 10)
  return setmetatable({ address = address, port = tonumber(port), process = one }, Redis)
end

function Redis:kill()
  self.process:kill "KILL"
  self.process:wait()
end

function Redis:call(...)
  local _, out = process.run { argv = { "redis-cli", "-p", tostring(self.port), ... } }
  return out
end

function Redis:clients()
  local port = self.address:match "%d+$"
  local _, out = process.run { argv = { "redis-cli", "-p", port, "info", "clients" } }
  return tonumber(out:match "connected_clients:(%d+)") - 1
end

return redis
