-- dnsmasq on an address of its own at port 53, so it needs root; neap finds it through a
-- resolv.conf of its own (support.etc).
--
--   dnsmasq.is_able → is it installed, and are we root?
--   dnsmasq.start{ "host-record=a.test,127.0.0.1", "srv-host=…", … } → d
--   d:set{ … }  it is started again with these;  d:kill()
--   d:binary() → path of a neap that asks it

local etc = require "support.etc"
local eventually = require "support.eventually"
local process = require "support.process"
local scope = require "support.scope"
local unistd = require "posix.unistd"

local dnsmasq = {}
local Dnsmasq = {}
Dnsmasq.__index = Dnsmasq

dnsmasq.is_able = etc.is_able
  and process.run { argv = { "sh", "-c", "command -v dnsmasq" } } == 0

local count = 0

local function run(self, lines)
  local path = self.dir .. "/dnsmasq.conf"
  local head = { "no-resolv", "no-hosts", "local-ttl=1", "listen-address=" .. self.ip,
    "bind-interfaces", "local=/test/", "log-facility=-" }
  scope.write(path, table.concat(head, "\n") .. "\n" .. table.concat(lines, "\n") .. "\n")
  self.process = process.spawn {
    argv = { "dnsmasq", "--keep-in-foreground", "--pid-file=", "--user=root",
      "--conf-file=" .. path },
    name = "dnsmasq",
  }
  eventually(function() return self.process:log():find "started, version" end, 10)
end

function Dnsmasq:kill()
  self.process:kill "KILL"
  self.process:wait()
end

function Dnsmasq:set(lines)
  self:kill()
  run(self, lines)
end

function Dnsmasq:binary()
  return etc.binary(etc.write { ["resolv.conf"] = ("nameserver %s\n"):format(self.ip) })
end

function dnsmasq.start(lines)
  count = count + 1
  local pid = unistd.getpid()
  local self = setmetatable({
    dir = scope.directory(), ip = ("127.153.%d.%d"):format(pid % 250 + 1, count),
  }, Dnsmasq)
  run(self, lines)
  return self
end

return dnsmasq
