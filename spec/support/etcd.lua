-- etcd on ports of its own.
--
--   etcd.is_there → is it installed?
--   etcd.start{ args = {…}, tls = true (its URL is https://), url = one that it had before } → e
--   etcd.cluster(3) → list of members
--   e.url;  e.dir;  e:kill() (SIGKILL), e:again() (with what it had), e:forget() (without)
--   e:put(key, value, …), e:delete(key), e:ctl(…) → output of etcdctl

local eventually = require "support.eventually"
local net = require "support.net"
local process = require "support.process"
local scope = require "support.scope"

local etcd = {}
local Etcd = {}
Etcd.__index = Etcd

etcd.is_there = process.run { argv = { "sh", "-c", "command -v etcd && command -v etcdctl" } } == 0

local count = 0

local function new(scheme)
  count = count + 1
  return setmetatable({
    url = scheme .. "://" .. net.refused(), peer = "http://" .. net.refused(),
    name = "m" .. count, dir = scope.directory(), ctl_args = {},
  }, Etcd)
end

local function spawn(self)
  local argv = {
    "etcd", "--name", self.name, "--data-dir", self.dir .. "/data",
    "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
    "--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer,
    "--initial-cluster", self.cluster or ("%s=%s"):format(self.name, self.peer),
    "--heartbeat-interval", "50", "--election-timeout", "500",
  }
  for _, word in ipairs(self.args or {}) do table.insert(argv, word) end
  self.process = process.spawn { argv = argv, name = "etcd" }
end

function Etcd:ctl(...)
  local argv = { "etcdctl", "--endpoints", self.url }
  for _, word in ipairs(self.ctl_args) do table.insert(argv, word) end
  for _, word in ipairs { ... } do table.insert(argv, word) end
  local code, out, err = process.run { argv = argv }
  return code == 0 and out or nil, err
end

local function wait_until_it_serves(self)
  eventually(function() return self:ctl("get", "x") end, 30)
end

function Etcd:put(...) assert(self:ctl("put", ...)) end
function Etcd:delete(...) assert(self:ctl("del", ...)) end

function Etcd:kill()
  self.process:kill "KILL"
  self.process:wait()
end

function Etcd:again()
  spawn(self)
  wait_until_it_serves(self)
end

function Etcd:forget()
  process.run { argv = { "rm", "-r", self.dir .. "/data" } }
  self:again()
end

function etcd.start(options)
  options = options or {}
  local self = new(options.tls and "https" or "http")
  self.args, self.ctl_args = options.args, options.ctl_args or {}
  spawn(self)
  wait_until_it_serves(self)
  return self
end

function etcd.cluster(n)
  local all, parts = {}, {}
  for i = 1, n do
    all[i] = new "http"
    parts[i] = ("%s=%s"):format(all[i].name, all[i].peer)
  end
  for _, one in ipairs(all) do
    one.cluster = table.concat(parts, ",")
    spawn(one)
  end
  for _, one in ipairs(all) do wait_until_it_serves(one) end
  return all
end

return etcd
