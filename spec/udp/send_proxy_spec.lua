-- A PROXY header before each datagram to a backend, read by a double, by neap and by unbound.

local eventually = require "support.eventually"
local header = require "support.proxy_header"
local process = require "support.process"
local scope = require "support.scope"
local servers = require "support.udp_servers"
local udp = require "support.udp"

-- It answers with what the header says, and what followed.
local function reader()
  return udp.server(function(bytes)
    local told, rest = header.read(bytes)
    return ("%d %s %s %s"):format(told.family, told.source, told.destination, rest)
  end)
end

local test = servers.can("unbound", "dig") and it or pending

-- It takes headers only, and answers to the checks and to one client only.
local CONF = [[
server:
  interface: 127.0.0.1@%d
  proxy-protocol-port: %d
  access-control: 127.0.0.0/8 refuse
  access-control: 127.0.0.1/32 allow
  access-control: 127.0.0.5/32 allow
  local-zone: "test." static
  local-data: "a.test. A 10.0.0.1"
  do-daemonize: no
  use-syslog: no
  logfile: ""
  username: ""
  chroot: ""
  pidfile: ""
  directory: "%s"
  val-permissive-mode: yes
  module-config: "iterator"
]]

local function try_unbound()
  local c = udp.client "127.0.0.1:1"
  c:close()
  local dir = scope.directory()
  scope.write(dir .. "/conf", CONF:format(c.port, c.port, dir))
  local p = process.spawn { name = "unbound",
    argv = { "/usr/sbin/unbound", "-d", "-c", dir .. "/conf" } }
  eventually(function() return p:log():find "start of service" or not p:alive() end)
  return p:alive() and { address = "127.0.0.1:" .. c.port } or nil
end

local function unbound() return eventually(try_unbound, 30, "a port that is free") end

local function dig(n, from)
  local _, out = process.run { argv = { "dig", "-b", from, "+time=5", "+tries=1", "@127.0.0.1",
    "-p", n.address:match "%d+$", "a.test", "A" } }
  return out
end

describe("send_proxy in a udp service", function()
  it("tells the backend of each datagram whose it is", function()
    local n = udp.start({ reader() }, "send_proxy = 2,")
    local c = udp.client(n.address, { from = "127.0.0.7" })
    for _, bytes in ipairs { "one", "two", "" } do
      assert.equal(("18 127.0.0.7:%d %s %s"):format(c.port, n.address, bytes), c:ask(bytes))
    end
  end)

  it("goes before each of many that come at once", function()
    local server = reader()
    local n = udp.start({ server }, "send_proxy = 2,")
    local worker, c = n:workers()[1], udp.client(n.address)
    process.signal(worker, "STOP")
    for i = 1, 20 do c:send(("%02d"):format(i)) end
    process.signal(worker, "CONT")
    for i = 1, 20 do assert.matches((" %02d$"):format(i), c:receive()) end
  end)

  it("names the first client through two balancers", function()
    local last = udp.start({ reader() }, "proxy_protocol = true, send_proxy = 2,")
    local first = udp.start({ last.address }, "send_proxy = 2,")
    local c = udp.client(first.address, { from = "127.0.0.8" })
    assert.equal(("18 127.0.0.8:%d %s x"):format(c.port, last.address), c:ask "x")
  end)

  it("goes to the backends that want it only", function()
    local n = udp.start({}, ([[backends = { "udp://%s", { url = "udp://%s", send_proxy = 2 } },]])
      :format(udp.named("a").address, reader().address))
    assert.equal("a: x", udp.client(n.address):ask "x")
    assert.matches("^18 127.0.0.1:%d+ %S+ x$", udp.client(n.address):ask "x")
  end)

  it("leaves no room for the longest datagrams", function()
    local n = udp.start({ reader() }, "send_proxy = 2,")
    udp.client(n.address):send(("x"):rep(65490))
    n:wait_log "a datagram of 65518 bytes is too long to be sent on"
  end)

  test("is what unbound takes, from checks of type dns, too", function()
    local n = udp.start({ unbound() }, [[responses = 1, send_proxy = 2,
      health = { type = "dns", query = "a.test", record = "A", interval = 0.2, timeout = 2 },]])
    n:wait_log "checked ok by healthcheck"
    assert.matches("10.0.0.1", dig(n, "127.0.0.5"), 1, true)
    assert.matches("REFUSED", dig(n, "127.0.0.6"), 1, true)
  end)
end)
