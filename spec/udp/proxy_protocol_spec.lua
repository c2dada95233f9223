-- Datagrams that come with a PROXY header before each, as another balancer sends them.

local header = require "support.proxy_header"
local admin = require "support.admin"
local eventually = require "support.eventually"
local process = require "support.process"
local scope = require "support.scope"
local servers = require "support.udp_servers"
local udp = require "support.udp"

local PROXIED = 'name = "u", proxy_protocol = true, admin = { listen = "127.0.0.1:0" },'
local TELLS = PROXIED .. 'access_log = { target = "access.log", format = "json" }, responses = 1,'

local function from(ip, bytes) return header.of { family = "udp4", ip = ip } .. bytes end

-- It knows an address for every name.
local function name_server()
  return udp.server(function(bytes)
    local question = bytes:sub(13, (bytes:find("\0", 13, true)) + 4)
    return bytes:sub(1, 2) .. "\129\128\0\1\0\1\0\0\0\0" .. question
      .. "\192\12\0\1\0\1\0\0\0\1\0\4\10\0\0\9"
  end)
end

local CONF = [[
setLocal("127.0.0.1:%d")
newServer{ address = "%s", useProxyProtocol = true, checkInterval = 1 }
]]

local function try_dnsdist(address)
  local c = udp.client "127.0.0.1:1"
  c:close()
  local dir = scope.directory()
  scope.write(dir .. "/conf", CONF:format(c.port, address))
  local p = process.spawn { name = "dnsdist", argv = { "dnsdist", "--supervised",
    "--disable-syslog", "-C", dir .. "/conf" } }
  eventually(function() return p:log():find "up'" or not p:alive() end)
  return p:alive() and c.port or nil
end

local function log_of(n) return io.open(n.dir .. "/access.log"):read "*a" end

local test = servers.can("dnsdist", "dig") and it or pending

describe("proxy_protocol in a udp service", function()
  it("names the client to the policy and the log, and goes no further", function()
    local server = udp.named "a"
    local n = udp.start({ server }, TELLS)
    local c = udp.client(n.address)
    for _, family in ipairs { "udp4", "udp6", "v4", "v6" } do
      assert.equal("a: " .. family, c:ask(header.of { family = family } .. family))
    end
    eventually(function() return #server:received() == 4 and log_of(n):match "2001:db8::9" end)
    assert.matches('"client":"192.0.2.9"', log_of(n), 1, true)
    assert.equal("udp4", server:received()[1].bytes)
  end)

  it("tells clients apart that come from one socket", function()
    local server = udp.named "a"
    local n = udp.start({ server }, PROXIED)
    local c = udp.client(n.address)
    for _, ip in ipairs { "192.0.2.1", "192.0.2.2", "192.0.2.1" } do
      assert.equal("a: " .. ip, c:ask(from(ip, ip)))
    end
    local list = server:received()
    assert.equal(list[1].from, list[3].from)
    assert.not_equal(list[1].from, list[2].from)
  end)

  it("answers whoever sent a client's datagram", function()
    local n = udp.start({ udp.named "a" }, PROXIED)
    local one, two = udp.client(n.address), udp.client(n.address)
    assert.equal("a: 1", one:ask(from("192.0.2.1", "1")))
    assert.equal("a: 2", two:ask(from("192.0.2.1", "2")))
    assert.is_true(one:is_silent())
  end)

  it("takes the sender for the client where the header names nobody", function()
    local n = udp.start({ udp.named "a" }, TELLS)
    local c = udp.client(n.address)
    assert.equal("a: x", c:ask(header.of { family = "unspec", command = 0x20 } .. "x"))
    assert.equal("a: y", c:ask(header.of { family = "unspec" } .. "y"))
    eventually(function() return select(2, log_of(n):gsub('"client":"127.0.0.1"', "")) == 2 end)
  end)

  it("drops a datagram without a whole header, counts and tells it", function()
    local server = udp.named "a"
    local n = udp.start({ server }, PROXIED)
    local c = udp.client(n.address)
    local good = from("192.0.2.1", "good")
    c:send "naked"
    n:wait_log "service u: a datagram from 127.0.0.1 was dropped: no PROXY header of version 2"
    for _, bad in ipairs { "", "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\nx", good:sub(1, 20),
      header.of { family = "udp4", command = 0x31 } .. "x", ("\0"):rep(65507) } do
      c:send(bad)
    end
    eventually(function()
      return admin.status(n).services[1].dropped.proxy_header == 6
    end)
    assert.equal("a: good", c:ask(good))
    assert.equal(1, #server:received())
  end)

  it("is read from each of many that come at once", function()
    local server = udp.server(function() end)
    local n = udp.start({ server }, PROXIED)
    local worker, c = n:workers()[1], udp.client(n.address)
    process.signal(worker, "STOP")
    for i = 1, 30 do c:send(from("192.0.2." .. i % 3, ("%02d"):format(i))) end
    process.signal(worker, "CONT")
    eventually(function() return #server:received() == 30 end)
    local senders, count = {}, 0
    for _, d in ipairs(server:received()) do
      local client = tonumber(d.bytes) % 3
      if not senders[client] then count = count + 1 end
      senders[client] = senders[client] or d.from
      assert.equal(senders[client], d.from)
    end
    assert.equal(3, count)
  end)

  it("is of flows that go on over a reload", function()
    local server = udp.named "a"
    local n = udp.start({ server }, PROXIED)
    local c = udp.client(n.address)
    assert.equal("a: 1", c:ask(from("192.0.2.1", "1")))
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 10)
    assert.equal("a: 2", c:ask(from("192.0.2.1", "2")))
    local list = server:received()
    assert.equal(list[1].from, list[2].from)
  end)

  test("is what dnsdist sends", function()
    local n = udp.start({ name_server() }, TELLS)
    local port = eventually(function() return try_dnsdist(n.address) end, 30, "a free port")
    local _, out = process.run { argv = { "dig", "-b", "127.0.0.5", "+time=5", "+tries=1",
      "@127.0.0.1", "-p", tostring(port), "a.test", "A" } }
    assert.matches("10.0.0.9", out, 1, true)
    eventually(function() return log_of(n):find('"client":"127.0.0.5"', 1, true) end)
  end)
end)
