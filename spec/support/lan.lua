-- A small network of a spec's own: machines, each a network namespace, on one bridge. Needs root.
--
--   lan.is_able → can this machine make one?
--   lan.start{ a = "10.9.0.1", … } → l     machines by name, each with eth0 and this address (/24)
--   l:inside(name, fn, …) → what fn returns. What fn listens on, connects to and starts is of that
--                           machine, and stays so.
--   l:run(name, command) → code, stdout, stderr       a line for the shell, on that machine
--   l:cut(name), l:join(name)                         its cable
--   Its machines end with the spec.

local ffi = require "ffi"
local fcntl = require "posix.fcntl"
local unistd = require "posix.unistd"
local eventually = require "support.eventually"
local process = require "support.process"
local scope = require "support.scope"

ffi.cdef "int setns(int fd, int type);"
local NET = 0x40000000
local BRIDGE = "lan"

local lan = {}
local Lan = {}
Lan.__index = Lan

lan.is_able = unistd.geteuid() == 0
  and process.run { argv = { "unshare", "-n", "ip", "link", "add", "lan0", "type", "veth" } } == 0

local function enter(path)
  local fd = assert(fcntl.open(path, bit.bor(fcntl.O_RDONLY, fcntl.O_CLOEXEC)))
  assert(ffi.C.setns(fd, NET) == 0, path)
  unistd.close(fd)
end

local function namespace(pid) return ("/proc/%d/ns/net"):format(pid) end

-- A process that keeps a namespace: five minutes at most.
local function keeper(name)
  local p = process.spawn { name = "machine " .. name, argv = { "unshare", "-n", "sleep", "300" } }
  local ours = unistd.readlink(namespace(unistd.getpid()))
  eventually(function() return unistd.readlink(namespace(p.pid)) ~= ours end, 5, "a namespace")
  return p.pid
end

function lan.start(addresses)
  local self = setmetatable({ pids = {}, home = namespace(unistd.getpid()) }, Lan)
  self.pids[BRIDGE] = keeper(BRIDGE)
  assert(self:run(BRIDGE, "ip link add br0 type bridge && ip link set br0 up") == 0)
  for name, address in pairs(addresses) do
    self.pids[name] = keeper(name)
    local code, _, err = self:run(BRIDGE, ([[ip link add to_%s type veth peer name eth0 netns %d &&
      ip link set to_%s master br0 up]]):format(name, self.pids[name], name))
    assert(code == 0, err)
    code, _, err = self:run(name, ([[ip link set lo up && ip link set eth0 up &&
      ip addr add %s/24 dev eth0]]):format(address))
    assert(code == 0, err)
  end
  return self
end

function Lan:inside(name, fn, ...)
  local home = assert(fcntl.open(self.home, bit.bor(fcntl.O_RDONLY, fcntl.O_CLOEXEC)))
  enter(namespace(self.pids[name]))
  local result = { pcall(fn, ...) }
  assert(ffi.C.setns(home, NET) == 0, "the way back")
  unistd.close(home)
  if not result[1] then error(result[2], 0) end
  return unpack(result, 2, table.maxn(result))
end

function Lan:run(name, command)
  return process.run { argv = { "nsenter", "-t", tostring(self.pids[name]), "-n", "sh", "-c",
    command } }
end

function Lan:cut(name) assert(self:run(BRIDGE, "ip link set to_" .. name .. " down") == 0) end

function Lan:join(name) assert(self:run(BRIDGE, "ip link set to_" .. name .. " up") == 0) end

-- keepalived on a machine: it has the address `vip` as long as nobody of a higher priority has it,
-- and as long as /healthz of `admin`, a unix address, is good.
function Lan:keepalived(name, vip, priority, admin)
  local dir = scope.directory()
  scope.write(dir .. "/keepalived.conf", ([[
global_defs {
  router_id %s
  script_user root
  enable_script_security
}
vrrp_script neap {
  script "/usr/bin/curl -sf --max-time 0.8 --unix-socket %s http://neap/healthz"
  interval 1
  timeout 1
  fall 1
  rise 2
}
vrrp_instance edge {
  version 3
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority %d
  advert_int 0.1
  virtual_ipaddress {
    %s/24
  }
  track_script {
    neap
  }
}
]]):format(name, admin:gsub("^unix:", ""), priority, vip))
  return process.spawn { dir = dir, name = "keepalived " .. name, argv = { "nsenter", "-t",
    tostring(self.pids[name]), "-n", "keepalived", "--dont-fork", "--log-console", "--vrrp",
    "-f", dir .. "/keepalived.conf", "-p", dir .. "/pid", "-r", dir .. "/vrrp_pid" } }
end

-- Has the machine this address?
function Lan:has(name, ip)
  local _, out = self:run(name, "ip -o addr show dev eth0")
  return out:find(" " .. ip .. "/", 1, true) ~= nil
end

return lan
