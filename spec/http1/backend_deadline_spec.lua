local client = require "support.client"
local eventually = require "support.eventually"
local net = require "support.net"
local proxied = require "support.proxied"

local function never(conn) conn:closed(20) end

describe("a slow backend's deadline", function()
  it("connect: a backend that cannot be reached in time is 504", function()
    local silent = net.silent()
    local n = proxied.before({ "http://" .. silent }, "timeouts = { connect = 0.2 }")
    local response = n:get "/"
    assert.equal(504, response.status)
    assert.is_true(#response.headers["x-neap-error"] > 0)
  end)

  it("response: an answer that does not begin in time is 504", function()
    local n, web = proxied.start(never, "timeouts = { response = 0.2 }")
    local c = client.connect(n.address)
    local response = c:request("GET", "/")
    assert.equal(504, response.status)
    assert.is_nil(response.headers.connection)
    eventually(function() return web:open_connections() == 0 end)
    assert.equal(504, c:request("GET", "/").status)
  end)

  it("response begins when the request is sent, not while it comes", function()
    local n = proxied.start(function(conn)
      conn:read_body()
      conn:wait(0.2)
      return "in time"
    end, "timeouts = { response = 0.4 }")
    local c = client.connect(n.address)
    c:send "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
    for byte in ("body"):gmatch "." do
      eventually.pause(0.15, "a client that sends slowly")
      c:send(byte)
    end
    assert.equal("in time", c:read_response().body)
  end)

  it("response is not put off by a part of a head or an interim answer", function()
    local n = proxied.start(function(conn)
      for _ = 1, 50 do
        if not conn:send "HTTP/1.1 103 Early Hints\r\nX: y" then return end
        conn:wait(0.05)
        if not conn:send "\r\n\r\n" then return end
      end
    end, "timeouts = { response = 0.3 }")
    assert.equal(504, n:get("/").status)
  end)

  it("stream_idle breaks an answer off that stalls", function()
    local n, web = proxied.start(function(conn)
      conn:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
      never(conn)
    end, "timeouts = { stream_idle = 0.2 }")
    local response = n:get "/"
    assert.is_true(response.truncated)
    assert.equal("hello", response.body)
    eventually(function() return web:open_connections() == 0 end)
  end)

  it("stream_idle breaks it off visibly where the close would be its end", function()
    local n = proxied.start(function(conn)
      conn:send "HTTP/1.1 200 OK\r\n\r\nhello"
      never(conn)
    end, "timeouts = { stream_idle = 0.2 }")
    local response = n:get "/"
    assert.is_true(response.truncated)
    assert.equal("reset", response.ended)
  end)

  it("stream_idle is between two pieces: an answer may take longer as a whole", function()
    local n = proxied.start(function(conn)
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
      for byte in ("hello"):gmatch "." do
        conn:wait(0.15)
        conn:send(byte)
      end
    end, "timeouts = { stream_idle = 0.4, response = 0.4 }")
    assert.equal("hello", n:get("/").body)
  end)

  it("stream_idle ends an upload that the backend does not take", function()
    local n, web = proxied.start({}, "timeouts = { stream_idle = 0.3, client_body = 20 }")
    assert.equal(200, n:get("/").status)
    web:pause()
    local c = client.connect(n.address, { timeout = 0.2 })
    c:send "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"
    local block = ("x"):rep(65536)
    while c:try_send(block) do end
    c.timeout = 5
    assert.equal(504, c:read_response().status)
    web:resume()
  end)

  it("request: all of a request together is 504 when no answer has begun", function()
    local n, web = proxied.start(function(conn)
      conn:wait(0.2)
      conn:send "HTTP/1.1 103 Early Hints\r\n\r\n"
      never(conn)
    end, "timeouts = { request = 0.4 }")
    assert.equal(504, n:get("/").status)
    eventually(function() return web:open_connections() == 0 end)
  end)

  it("request breaks off an answer that is under way", function()
    local n = proxied.start(function(conn)
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
      for _ = 1, 100 do
        conn:wait(0.05)
        if not conn:send "x" then return end
      end
    end, "timeouts = { request = 0.3 }")
    assert.is_true(n:get("/").truncated)
  end)

  it("request does not hold for a request that ended in time", function()
    local n = proxied.start({}, "timeouts = { request = 0.3 }")
    local c = client.connect(n.address)
    for _ = 1, 4 do
      assert.equal(200, c:request("GET", "/").status)
      eventually.pause(0.15, "two together are longer than timeouts.request")
    end
  end)

  it("of a pool goes before the service's", function()
    local n = proxied.start(never, "timeouts = { response = 0.2 }")
    assert.equal(504, n:get("/").status)
    local silent = net.silent()
    n = require("support.neap").start { config = ([[return {
      services = { { listen = "127.0.0.1:0", pool = "a", timeouts = { connect = 20 } } },
      pools = { a = { backends = { "http://%s" }, timeouts = { connect = 0.2 },
        health = { type = "none" } } } }]]):format(silent) }
    assert.equal(504, n:get("/").status)
  end)
end)
