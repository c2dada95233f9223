local client = require "support.client"
local origin = require "support.origin"
local proxied = require "support.proxied"

local EXPECT = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"

local function start(connection, timeouts)
  local web = origin.start { connection = connection }
  return proxied.before({ web }, ("timeouts = { %s }"):format(timeouts)), web
end

local function silent(conn)
  conn:read_request()
  conn:closed(10)
end

describe("a client that waits for a 100", function()
  it("is not the one who is late: a silent backend is a 504 after response", function()
    local n = start(silent, "client_body = 9, stream_idle = 9, response = 0.2")
    assert.equal(504, client.request(n.address, EXPECT).status)
    assert.equal(0, n:count_log "is dead")
  end)

  it("may be made to wait for longer than client_body", function()
    local n = start(function(conn)
      conn:read_request()
      conn:wait(0.5)
      conn:send(("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") .. conn:read_body())
    end, "client_body = 0.1, response = 5")
    local c = client.connect(n.address)
    c:send(EXPECT)
    assert.matches("^HTTP/1.1 100 ", c:receive_until "\r\n\r\n")
    c:send "hello"
    assert.equal("hello", c:read_response().body)
  end)

  it("is the one who is late once it got it", function()
    local n = start(function(conn)
      conn:read_request()
      conn:continue()
      conn:closed(10)
    end, "client_body = 0.2, response = 9")
    local c = client.connect(n.address)
    c:send(EXPECT)
    assert.equal(408, c:read_response().status)
  end)

  it("or begins to send all the same", function()
    local n = start(function(conn)
      conn:read_request()
      conn:wait(5)
    end, "client_body = 0.2, response = 9")
    local c = client.connect(n.address)
    c:send(EXPECT)
    c:send "he"
    assert.equal(408, c:read_response().status)
  end)

  it("gives the backend all of response for its answer when it has sent its body", function()
    local n = start(function(conn)
      conn:read_request()
      conn:wait(0.3)
      conn:read_body()
      conn:wait(0.3)
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    end, "response = 0.5")
    local c = client.connect(n.address)
    c:send(EXPECT)
    c:receive_until "\r\n\r\n"
    c:send "hello"
    assert.equal(200, c:read_response().status)
  end)

  it("and gets a success instead has its connection ended", function()
    local n = start(function(conn)
      conn:read_request()
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      conn:closed(5)
    end, "")
    local c = client.connect(n.address)
    c:send(EXPECT)
    assert.equal("close", c:read_response().headers.connection)
    assert.is_true(c:closed())
  end)
end)
