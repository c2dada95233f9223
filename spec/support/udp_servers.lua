-- Real servers of datagrams on ports of their own: unbound, and rsyslog as a collector.
--
--   servers.can(program, …) → are all of them installed?
--   servers.unbound(ip) → s that answers every name of test with that address
--   servers.rsyslog() → s;  s:lines() → the messages that it has written so far, by UDP or TCP;
--   s:fields() → the same, each as "PRI|APP-NAME|PROCID|MSGID|HOSTNAME| MSG"
--   s.address ("127.0.0.1:port"), s.process

local eventually = require "support.eventually"
local process = require "support.process"
local scope = require "support.scope"
local udp = require "support.udp"

local servers = {}

function servers.can(...)
  for _, program in ipairs { ... } do
    local command = "PATH=$PATH:/usr/sbin command -v " .. program
    if process.run { argv = { "sh", "-c", command } } ~= 0 then return false end
  end
  return true
end

local function is_bound(port, tables)
  local pattern = ("0100007F:%04X 00000000:0000"):format(port)
  for name in tables:gmatch "%a+" do
    if not scope.read("/proc/net/" .. name):find(pattern, 1, true) then return false end
  end
  return true
end

-- argv_of(port, dir): a program that reads datagrams there. Another may be faster to take the port.
local function try(argv_of, tables)
  local c = udp.client "127.0.0.1:1"
  local port, dir = c.port, scope.directory()
  c:close()
  local p = process.spawn { argv = argv_of(port, dir), dir = dir, name = "server" }
  eventually(function() return is_bound(port, tables) or not p:alive() end, 15)
  return p:alive() and { address = "127.0.0.1:" .. port, dir = dir, process = p } or nil
end

local function start(argv_of, tables)
  return eventually(function() return try(argv_of, tables or "udp") end, 60, "a port that is free")
end

local UNBOUND = [[
server:
  interface: 127.0.0.1@%d
  do-daemonize: no
  chroot: ""
  username: ""
  directory: "%s"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "iterator"
  local-zone: "test." redirect
  local-data: "test. 60 A %s"
remote-control:
  control-enable: no
]]

function servers.unbound(ip)
  return start(function(port, dir)
    scope.write(dir .. "/unbound.conf", UNBOUND:format(port, dir, ip))
    return { "/usr/sbin/unbound", "-d", "-c", dir .. "/unbound.conf" }
  end)
end

local RSYSLOG = [[
global(workDirectory="%s")
module(load="imudp")
module(load="imtcp")
input(type="imudp" address="127.0.0.1" port="%d" ruleset="all")
input(type="imtcp" address="127.0.0.1" port="%d" ruleset="all")
template(name="text" type="string" string="%%msg%%\n")
template(name="fields" type="string"
  string="%%pri%%|%%app-name%%|%%procid%%|%%msgid%%|%%hostname%%| %%msg%%\n")
ruleset(name="all") {
  action(type="omfile" file="%s/messages" template="text")
  action(type="omfile" file="%s/fields" template="fields")
}
]]

local Collector = {}
Collector.__index = Collector

function Collector:read(name)
  local file = io.open(self.dir .. "/" .. name)
  local list = {}
  for line in file and file:lines() or function() end do
    table.insert(list, (line:gsub("^%s+", "")))
  end
  if file then file:close() end
  return list
end

function Collector:lines() return self:read "messages" end

function Collector:fields() return self:read "fields" end

function servers.rsyslog()
  return setmetatable(start(function(port, dir)
    scope.write(dir .. "/rsyslog.conf", RSYSLOG:format(dir, port, port, dir, dir))
    return { "/usr/sbin/rsyslogd", "-n", "-f", dir .. "/rsyslog.conf", "-i", dir .. "/pid" }
  end, "udp tcp"), Collector)
end

return servers
