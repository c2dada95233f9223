local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local UPLOAD = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello"

-- Sends the text byte by byte (or by such pieces) until the peer answers or all is sent.
local function drip(c, text, pause, piece)
  for bytes in text:gmatch(piece or ".") do
    if not c:try_send(bytes) then return end
    eventually.pause(pause, "a client that sends slowly")
  end
end

describe("a slow client's deadline", function()
  it("client_header: a head that does not come whole is 408", function()
    local n, web = proxied.start({}, "timeouts = { client_header = 0.2 }")
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost:"
    local response = c:read_response()
    assert.equal(408, response.status)
    assert.equal("close", response.headers.connection)
    assert.is_true(#response.headers["x-neap-error"] > 0)
    assert.is_true(c:closed())
    assert.equal(0, web:connections())
  end)

  it("client_header is not put off by single bytes", function()
    local n = proxied.start({}, "timeouts = { client_header = 0.3 }")
    local c = client.connect(n.address)
    drip(c, "GET / HTTP/1.1\r\nHost: a", 0.03)
    assert.equal(408, c:read_response().status)
  end)

  it("client_header is not put off by empty lines", function()
    local n = proxied.start({}, "timeouts = { client_header = 0.3 }")
    local c = client.connect(n.address)
    drip(c, ("\r\n"):rep(30), 0.05, "..")
    assert.is_nil((c:try_send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
  end)

  it("client_header holds for the next request of a connection", function()
    local n = proxied.start({}, "timeouts = { client_header = 0.2 }")
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/").status)
    c:send "GET /"
    assert.equal(408, c:read_response().status)
  end)

  it("client_header ends a connection on which nothing comes, silently", function()
    local n = proxied.start({}, "timeouts = { client_header = 0.2 }")
    local c = client.connect(n.address)
    assert.equal("", c:receive_all())
  end)

  it("client_idle ends a connection between two requests, silently", function()
    local n = proxied.start({}, "timeouts = { client_idle = 0.2 }")
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/").status)
    assert.equal("", c:receive_all())
  end)

  it("client_idle begins anew with each request", function()
    local n = proxied.start({}, "timeouts = { client_idle = 0.4 }")
    local c = client.connect(n.address)
    for _ = 1, 4 do
      assert.equal(200, c:request("GET", "/").status)
      eventually.pause(0.2, "shorter than client_idle")
    end
    assert.equal("", c:receive_all())
  end)

  it("client_body: a body that stops is 408, and the backend's connection ends", function()
    local n, web = proxied.start({}, "timeouts = { client_body = 0.2, stream_idle = 5 }")
    local c = client.connect(n.address)
    c:send(UPLOAD)
    local response = c:read_response()
    assert.equal(408, response.status)
    assert.equal("close", response.headers.connection)
    eventually(function() return web:open_connections() == 0 end)
    assert.is_false(web:requests()[1].complete)
    assert.equal(0, n:count_log "is dead")
  end)

  it("client_body is between two pieces: a body may take longer as a whole", function()
    local n = proxied.start(function(conn) return (conn:read_body()) end,
      "timeouts = { client_body = 0.4, response = 0.2 }")
    local c = client.connect(n.address)
    c:send(UPLOAD)
    drip(c, "world", 0.15)
    assert.equal("helloworld", c:read_response().body)
  end)

  it("stream_idle ends an answer that the client does not take", function()
    local n, web = proxied.start(function(conn)
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n"
      while conn:send(("x"):rep(65536)) do conn.answered = true end
    end, "timeouts = { stream_idle = 0.3 }")
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    c:receive(1000)
    eventually(function() return web:open_connections() == 0 end)
    local response = { c:receive_all() }
    assert.is_true(#(response[1] or response[3]) < 50000000)
    assert.equal(0, n:count_log "is dead")
  end)

  it("leaves nothing open when it is over", function()
    local n = proxied.start({}, "timeouts = { client_header = 0.2, client_body = 0.2 }")
    assert.equal(200, n:get("/").status)
    local before
    eventually(function()
      before = proxied.count_fds(n)
      return before
    end)
    local clients = {}
    for index = 1, 20 do
      clients[index] = client.connect(n.address)
      clients[index]:send(index % 2 == 0 and UPLOAD or "GET /")
    end
    for _, c in ipairs(clients) do assert.equal(408, c:read_response().status) end
    for _, c in ipairs(clients) do c:close() end
    eventually(function() return proxied.count_fds(n) <= before end)
  end)
end)
