-- What one source may send to a udp service.

local admin = require "support.admin"
local eventually = require "support.eventually"
local header = require "support.proxy_header"
local process = require "support.process"
local udp = require "support.udp"

local ADMIN = 'name = "u", admin = { listen = "127.0.0.1:0" }, '

local function dropped(n, reason) return admin.status(n).services[1].dropped[reason] end

-- All that was sent has come to an end: at the backend, or counted. A new second brings some more.
local function wait_for(n, server, reason, sent, passed)
  eventually(function() return #server:received() + dropped(n, reason) == sent end)
  local more = #server:received() - passed
  assert.is_true(more >= 0 and more <= passed * eventually.slowness, more .. " more")
end

-- So that they come to it at once.
local function while_stopped(n, fn)
  local worker = n:workers()[1]
  process.signal(worker, "STOP")
  fn()
  process.signal(worker, "CONT")
end

describe("one source in a udp service", function()
  it("sends no more datagrams a second than limits.source_datagrams", function()
    local server = udp.named "a"
    local n = udp.start({ server }, ADMIN .. "limits = { source_datagrams = 5 },")
    local c, other = udp.client(n.address), udp.client(n.address, { from = "127.0.0.9" })
    while_stopped(n, function()
      for _ = 1, 30 do c:send "x" end
    end)
    n:wait_log("service u: 127.0.0.1 sends too much: datagrams were dropped, "
      .. "limits.source_datagrams is 5 a second")
    wait_for(n, server, "source_datagrams", 30, 5)
    assert.equal("a: y", other:ask "y")
    eventually(function()
      c:send "z"
      return c:receive(0.3) == "a: z"
    end)
  end)

  it("begins no more flows a second than limits.source_flows", function()
    local server = udp.named "a"
    local n = udp.start({ server }, ADMIN .. "limits = { source_flows = 3 },")
    local first = udp.client(n.address)
    first:ask "1"
    for _ = 1, 12 do udp.client(n.address):send "2" end
    n:wait_log "127.0.0.1 sends too much: .*limits.source_flows is 3 a second"
    wait_for(n, server, "source_flows", 13, 3)
    for _ = 1, 10 do assert.equal("a: 3", first:ask "3") end
  end)

  it("is as much of an address as source_bits_v4 says", function()
    local server = udp.named "a"
    local n = udp.start({ server }, ADMIN
      .. "limits = { source_datagrams = 4, source_bits_v4 = 24 },")
    while_stopped(n, function()
      for i = 1, 12 do udp.client(n.address, { from = "127.0.0." .. i }):send "x" end
    end)
    wait_for(n, server, "source_datagrams", 12, 4)
    assert.equal("a: y", udp.client(n.address, { from = "127.0.1.1" }):ask "y")
  end)

  it("is whom a PROXY header names", function()
    local server = udp.named "a"
    local n = udp.start({ server }, ADMIN
      .. "proxy_protocol = true, limits = { source_datagrams = 3 },")
    local c = udp.client(n.address)
    while_stopped(n, function()
      for _ = 1, 9 do c:send(header.of { family = "udp4", ip = "192.0.2.1" } .. "x") end
    end)
    wait_for(n, server, "source_datagrams", 9, 3)
    c:send(header.of { family = "udp4", ip = "192.0.2.2" } .. "y")
    eventually(function() return c:receive(1) == "a: y" end)
  end)

  it("is served while many others, each a new one, flood the service", function()
    local server = udp.server(function(bytes) return bytes ~= "x" and bytes or nil end)
    local n = udp.start({ server }, ADMIN .. [[proxy_protocol = true, limits = {
      source_datagrams = 20, source_flows = 20, udp_sessions = 100000 },
      timeouts = { udp = 1 },]])
    local flood, c = udp.client(n.address), udp.client(n.address)
    local head = header.of { family = "udp4", ip = "192.0.2.7" }
    for round = 1, 10 do
      for i = 1, 300 do
        local ip = ("10.%d.%d.1"):format(round, i % 256)
        flood:send(header.of { family = "udp4", ip = ip } .. "x")
      end
      c:send(head .. round)
      assert.is_truthy(c:receive(5))
    end
  end)
end)
