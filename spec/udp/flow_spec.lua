local eventually = require "support.eventually"
local neap = require "support.neap"
local udp = require "support.udp"

describe("a udp service", function()
  it("says so in its ready line, and passes datagrams both ways", function()
    local n = udp.start { udp.named "a" }
    assert.equal("udp", n.protocols[1])
    local c = udp.client(n.address)
    for _, text in ipairs { "hello", "\0\255\r\n", "", ("x"):rep(1400), ("y"):rep(9000) } do
      assert.equal("a: " .. text, c:ask(text))
    end
  end)

  it("keeps a client with its backend, and the backend knows it by one port", function()
    local servers = { udp.named "a", udp.named "b" }
    local n = udp.start(servers)
    local clients = { udp.client(n.address), udp.client(n.address) }
    for _ = 1, 3 do
      assert.equal("a: x", clients[1]:ask "x")
      assert.equal("b: x", clients[2]:ask "x")
    end
    local list = servers[1]:received()
    assert.equal(3, #list)
    assert.equal(list[1].from, list[3].from)
  end)

  it("tells clients of one backend apart", function()
    local server = udp.server(function(bytes) return bytes end)
    local n = udp.start { server }
    local clients = {}
    for i = 1, 40 do clients[i] = udp.client(n.address) end
    for i, c in ipairs(clients) do c:send("from " .. i) end
    for i, c in ipairs(clients) do assert.equal("from " .. i, c:receive()) end
    local ports = {}
    for _, d in ipairs(server:received()) do
      assert.is_nil(ports[d.from])
      ports[d.from] = true
    end
  end)

  it("passes answers that nobody asked for at the moment", function()
    local n = udp.start { udp.server(function() return { "1", "2", "3" } end) }
    local c = udp.client(n.address)
    assert.equal("1", c:ask "go")
    assert.equal("2", c:receive())
    assert.equal("3", c:receive())
  end)

  it("carries the largest datagram", function()
    local n = udp.start { udp.server(function(bytes) return bytes end) }
    local big = ("0123456789"):rep(6550) .. "abcdefg"
    assert.equal(65507, #big)
    assert.equal(big, udp.client(n.address):ask(big))
  end)

  it("answers from the address that the client sent to", function()
    local n = udp.start({ udp.named "a" }, 'listen = "0.0.0.0:0",')
    local port = n.port
    for _, address in ipairs { "127.0.0.1", "127.0.0.9" } do
      assert.equal("a: x", udp.client(address .. ":" .. port):ask "x")
    end
  end)

  it("ends a flow when nothing came for timeouts.udp, and logs it once", function()
    local server = udp.named "a"
    local n = udp.start({ server }, [[timeouts = { udp = 0.5 },
      access_log = { target = "access.log", format = "json" },]])
    local c = udp.client(n.address)
    c:ask "one"
    c:ask "two"
    local line = eventually(function()
      return io.open(n.dir .. "/access.log"):read "*a":match "[^\n]+\n"
    end)
    assert.matches('"mode":"udp","status":200,"bytes":12', line, 1, true)
    assert.equal("a: three", c:ask "three")
    local list = server:received()
    assert.equal(list[1].from, list[2].from)
    assert.not_equal(list[1].from, list[3].from)
  end)

  it("has no more flows than limits.udp_sessions", function()
    local n = udp.start({ udp.named "a" }, "limits = { udp_sessions = 2 },")
    local clients = { udp.client(n.address), udp.client(n.address), udp.client(n.address) }
    assert.equal("a: 1", clients[1]:ask "1")
    assert.equal("a: 2", clients[2]:ask "2")
    clients[3]:send "3"
    n:wait_log "too many flows: 2 are open, limits.udp_sessions is 2"
    assert.is_true(clients[3]:is_silent())
    assert.equal("a: 4", clients[1]:ask "4")
  end)

  it("takes none of another service's limit", function()
    local n = neap.start { config = ([[return { workers = 1,
      pools = { p = { backends = { "udp://%s" }, health = { type = "none" } } }, services = {
        { listen = "127.0.0.1:0", mode = "udp", pool = "p", limits = { udp_sessions = 4 } },
        { listen = "127.0.0.1:0", mode = "udp", pool = "p", limits = { udp_sessions = 2 } },
      } }]]):format(udp.named("a").address) }
    for service, most in ipairs { 4, 2 } do
      for _ = 1, most do assert.equal("a: x", udp.client(n.addresses[service]):ask "x") end
    end
  end)
end)
