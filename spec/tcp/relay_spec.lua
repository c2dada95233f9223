local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local proxied = require "support.proxied"
local tcp = require "support.tcp"

local SLOW_PICK = [[policy = { pick = function(_, pool)
  require "neap".sleep(0.3)
  return pool[1]
end }]]

describe("a tcp service", function()
  it("says so in its ready line, and passes bytes both ways", function()
    local n, web = tcp.start(tcp.echo)
    assert.equal("tcp", n.protocols[1])
    local c = client.connect(n.address)
    for _, text in ipairs { "hello", "\0\255\r\n\r\n", "GET / HTTP/1.1\r\n\r\n" } do
      c:send(text)
      assert.equal(text, c:receive(#text))
    end
    c:close()
    eventually(function() return web:open_connections() == 0 end)
  end)

  it("lets the server speak first", function()
    local n = tcp.start(tcp.named "220 ready")
    local c = client.connect(n.address)
    assert.equal("220 ready\n", c:receive_until "\n")
    c:send "QUIT"
    assert.equal("QUIT", c:receive(4))
  end)

  it("gives each connection one of its own", function()
    local n, web = tcp.start(tcp.echo)
    for count = 1, 3 do
      local c = client.connect(n.address)
      c:send "x"
      assert.equal("x", c:receive(1))
      c:close()
      eventually(function() return web:open_connections() == 0 end)
      assert.equal(count, web:connections())
    end
  end)

  it("passes the end of the client on while the backend goes on", function()
    local n = tcp.start(function(conn)
      local all = conn:read_all()
      conn:send("got " .. #all)
    end)
    local c = client.connect(n.address)
    local text = proxied.pattern(300000)
    c:send(text)
    c:shutdown_write()
    assert.equal("got 300000", c:receive_all())
  end)

  it("passes the end of the backend on while the client goes on", function()
    local n, web = tcp.start(function(conn)
      conn:send "over"
      conn:finish()
      assert(conn:read_until "really\n")
    end)
    local c = client.connect(n.address)
    assert.equal("over", c:receive_all())
    c:send "really\n"
    eventually(function() return web:open_connections() == 0 end)
    assert.equal(0, #web:errors())
  end)

  it("keeps what comes before the backend is chosen, and an end behind it", function()
    local n = tcp.start(function(conn) conn:send("got " .. conn:read_all()) end, SLOW_PICK)
    local c = client.connect(n.address)
    c:send "early "
    c:send "words"
    c:shutdown_write()
    assert.equal("got early words", c:receive_all())
  end)

  it("takes no more than fits before the backend is chosen", function()
    local n = tcp.start(function(conn)
      local all = conn:read(8000000)
      conn:send(all == proxied.pattern(8000000) and "whole" or "broken")
    end, SLOW_PICK)
    local before = proxied.resident(n)
    local c = client.connect(n.address)
    c:send(proxied.pattern(8000000))
    assert.equal("whole", c:receive_all())
    assert.is_true(proxied.resident(n) - before < 4000000 * eventually.slowness)
  end)

  it("holds back a side whose other side does not read, with little memory", function()
    local n, web = tcp.start(function(conn)
      local block = ("x"):rep(1000000)
      for _ = 1, 90 do conn:send(block) end -- the kernel may hold 32 MiB of them, twice
    end)
    local before = proxied.resident(n)
    local c = client.connect(n.address)
    assert.equal(100, #c:receive(100))
    eventually.always(function() return web:open_connections() == 1 end, 0.3)
    assert.is_true(proxied.resident(n) - before < 4000000 * eventually.slowness)
    assert.equal(90000000 - 100, #c:receive_all())
  end)

  it("carries volumes both ways at once", function()
    local n = tcp.start(tcp.echo)
    local c = client.connect(n.address)
    local block = proxied.pattern(1000000)
    for _ = 1, 10 do
      c:send(block)
      assert.is_true(c:receive(#block) == block)
      c:send "x"
      assert.equal("x", c:receive(1))
    end
  end)

  it("passes a reset of the client on", function()
    local n, web = tcp.start(function(conn)
      conn:send "hello"
      local _, why = conn:read_all()
      assert(why == "reset", why)
    end)
    local c = client.connect(n.address)
    assert.equal("hello", c:receive(5))
    c:reset()
    eventually(function() return web:connections() == 1 and web:open_connections() == 0 end)
    assert.same({}, web:errors())
  end)

  it("passes a reset of the backend on, behind what it sent", function()
    local n = tcp.start(function(conn)
      conn:read(5)
      conn:send "bye"
      conn:read(1)
      conn:reset()
    end)
    local c = client.connect(n.address)
    c:send "hello"
    assert.equal("bye", c:receive(3))
    c:send "x"
    local all, why = c:receive_all()
    assert.same({ nil, "reset" }, { all, why })
  end)

  it("brings the last words of a backend that closed without reading", function()
    local n = tcp.start(function(conn) conn:send "too many connections\n" end)
    for _ = 1, 20 do
      local c = client.connect(n.address)
      c:try_send(("x"):rep(10000))
      assert.equal("too many connections\n", c:receive_until "\n")
      c:close()
    end
  end)

  it("listens on and connects to unix sockets", function()
    local scope = require "support.scope"
    local dir = scope.directory()
    local o = origin.start { connection = tcp.named "unix", address = "unix:" .. dir .. "/back" }
    local n = tcp.before({ o }, ('listen = "unix:%s/front"'):format(dir))
    local c = client.connect("unix:" .. dir .. "/front")
    assert.equal("unix\n", c:receive_until "\n")
    c:send "x"
    assert.equal("x", c:receive(1))
    assert.equal("tcp", n.protocols[1])
  end)
end)
