local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local ASK = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
  .. "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n"
local SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
  .. "Upgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"

local function echoing(greeting)
  return {
    connection = function(conn)
      conn:read_request()
      conn:send(SWITCH .. (greeting or ""))
      while true do
        local bytes = conn:read_some()
        if not bytes then return end
        conn:send(bytes)
      end
    end,
  }
end

local function open_tunnel(n, more)
  local c = client.connect(n.address)
  c:send(ASK .. (more or ""))
  local response = c:read_response()
  assert.equal(101, response.status)
  return c, response
end

describe("an upgrade", function()
  it("becomes a tunnel both ways", function()
    local n, web = proxied.start(echoing())
    local c, response = open_tunnel(n)
    assert.equal("websocket", response.headers.upgrade)
    assert.equal("upgrade", response.headers.connection:lower())
    assert.equal("x", response.headers["sec-websocket-accept"])
    for _, text in ipairs { "hello", "\0\255", "bye" } do
      c:send(text)
      assert.equal(text, c:receive(#text))
    end
    local request = web:requests()[1]
    assert.equal("websocket", request.headers.upgrade)
    assert.equal("upgrade", request.headers.connection:lower())
    assert.equal("dGhlIHNhbXBsZQ==", request.headers["sec-websocket-key"])
  end)

  it("keeps what both sides send early", function()
    local n = proxied.start(echoing "welcome ")
    local c = open_tunnel(n, "first")
    assert.equal("welcome first", c:receive(13))
  end)

  it("of a request with a body keeps what comes behind that body", function()
    local n, web = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:read_until "0\r\n\r\n"
        conn:send(SWITCH)
        conn:send(conn:read(5))
      end,
    }
    local c = client.connect(n.address)
    c:send(ASK:gsub("^GET", "POST"):gsub("\r\n\r\n$", "\r\nTransfer-Encoding: chunked\r\n\r\n"))
    eventually(function() return web:requests()[1] end)
    c:send "3\r\nabc\r\n0\r\n\r\nearly"
    assert.equal(101, c:read_response().status)
    assert.equal("early", c:receive(5))
  end)

  it("passes the end of one side on while the other goes on", function()
    local n = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:send(SWITCH)
        local all = conn:read_all()
        conn:send("got " .. all)
      end,
    }
    local c = open_tunnel(n)
    c:send "question"
    c:shutdown_write()
    assert.equal("got question", c:receive_all())
  end)

  it("passes the end of the backend on first, too", function()
    local n, web = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:send(SWITCH .. "over")
        conn:finish()
        conn:read_until "really\n"
      end,
    }
    local c = open_tunnel(n)
    assert.equal("over", c:receive_all())
    c:send "really\n"
    eventually(function() return web:open_connections() == 0 end)
  end)

  it("carries large volumes both ways at once, with little memory", function()
    local n = proxied.start(echoing())
    local c = open_tunnel(n)
    local block = proxied.pattern(1000000)
    local before = proxied.resident(n)
    for _ = 1, 8 do
      c:send(block:sub(1, 500000))
      c:send(block:sub(500001))
      assert.is_true(c:receive(#block) == block)
    end
    assert.is_true(proxied.resident(n) - before < 2000000 * eventually.slowness)
  end)

  it("ends when it was silent for timeouts.tunnel, and not before", function()
    local n, web = proxied.start(echoing(), "timeouts = { tunnel = 0.4, stream_idle = 0.1 }")
    local c = open_tunnel(n)
    for _ = 1, 3 do
      eventually.pause(0.2, "shorter than timeouts.tunnel")
      c:send "x"
      assert.equal("x", c:receive(1))
    end
    assert.is_true(c:closed(2))
    eventually(function() return web:open_connections() == 0 end)
  end)

  it("that the backend declines is an ordinary request", function()
    local n, web = proxied.start { name = "plain" }
    local c = client.connect(n.address)
    for _ = 1, 2 do
      c:send(ASK)
      assert.equal("plain", c:read_response().body)
    end
    assert.equal(1, web:connections())
  end)

  it("without Connection: upgrade is not asked of the backend", function()
    local n, web = proxied.start {}
    n:get("/", { Upgrade = "websocket" })
    assert.is_nil(web:requests()[1].headers.upgrade)
    assert.is_nil(web:requests()[1].headers.connection)
  end)

  it("that nobody asked for is a 502", function()
    local n = proxied.start(echoing "EVIL")
    local response = n:get "/"
    assert.equal(502, response.status)
    assert.is_nil(response.raw:find("EVIL", 1, true))
  end)

  for _, value in ipairs { "h2c", "H2C", "websocket, h2c", "h2c/1" } do
    it("to cleartext HTTP/2 never gets past: " .. value, function()
      local n, web = proxied.start(echoing "EVIL")
      local c = client.connect(n.address)
      c:send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        .. "Upgrade: " .. value .. "\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
      assert.equal(502, c:read_response().status)
      local headers = web:requests()[1].headers
      assert.is_nil(headers.upgrade)
      assert.is_nil(headers["http2-settings"])
    end)
  end

  it("answered with h2c is not followed", function()
    local n = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:send((SWITCH:gsub("websocket", "h2c")))
      end,
    }
    local c = client.connect(n.address)
    c:send(ASK)
    assert.equal(502, c:read_response().status)
  end)
end)
