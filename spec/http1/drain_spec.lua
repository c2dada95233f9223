local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local function slow(conn, request)
  conn:wait(tonumber(request.target:match "%d+" or "0") / 100)
  return request.target
end

describe("a graceful stop", function()
  it("lets a request end and closes its connection with the answer", function()
    local n, web = proxied.start(slow)
    local c = client.connect(n.address)
    c:send "GET /40 HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return web:requests()[1] end)
    n:signal "QUIT"
    local response = c:read_response()
    assert.equal("/40", response.body)
    assert.equal("close", response.headers.connection)
    assert.is_true(c:closed())
    assert.equal(0, n:wait(5))
  end)

  it("lets an upload end", function()
    local n, web = proxied.start(function(conn) return (conn:read_body()) end)
    local c = client.connect(n.address)
    c:send "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello"
    eventually(function() return web:requests()[1] end)
    n:signal "QUIT"
    n:wait_log "drain"
    c:send "world"
    assert.equal("helloworld", c:read_response().body)
    assert.equal(0, n:wait(5))
  end)

  it("gives an idle connection a moment for a last request", function()
    local n = proxied.start(slow)
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/0").status)
    n:signal "QUIT"
    n:wait_log "drain"
    local response = c:request("GET", "/1")
    assert.equal("/1", response.body)
    assert.equal("close", response.headers.connection)
    assert.equal(0, n:wait(5))
  end)

  it("does not wait long for idle connections", function()
    local n = proxied.start(slow, "timeouts = { drain = 30 }")
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/0").status)
    n:signal "QUIT"
    assert.is_true(c:closed(4))
    assert.equal(0, n:wait(5))
  end)

  it("waits for idle connections no longer than timeouts.drain", function()
    local n = proxied.start(slow, "timeouts = { drain = 0.2 }")
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/0").status)
    n:signal "QUIT"
    assert.is_true(c:closed(1))
    assert.equal(0, n:wait(5))
  end)

  it("cuts off what is not over by timeouts.drain", function()
    local n, web = proxied.start(slow, "timeouts = { drain = 0.3 }")
    local c = client.connect(n.address)
    c:send "GET /2000 HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return web:requests()[1] end)
    n:signal "QUIT"
    assert.is_nil((c:read_response()))
    assert.equal(0, n:wait(5))
  end)
end)
