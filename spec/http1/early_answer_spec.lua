local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local HEAD = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
local REFUSED = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"

-- Answers when it has seen the head, and reads no more.
local function impatient(conn)
  conn:read_request()
  conn:send(REFUSED)
  conn:wait(0.2)
end

describe("an answer that comes before the request's end", function()
  it("is relayed, and the connection ends after it", function()
    local n = proxied.start { connection = impatient }
    local c = client.connect(n.address)
    c:send(HEAD:format(100000) .. "abc")
    local response = c:read_response()
    assert.equal(413, response.status)
    assert.equal("big", response.body)
    assert.equal("close", response.headers.connection)
    assert.is_true(c:closed())
  end)

  it("reaches a client that is still sending", function()
    local n = proxied.start { connection = impatient }
    local c = client.connect(n.address)
    local body = proxied.pattern(65536)
    c:send(HEAD:format(900000))
    for _ = 1, 12 do c:send(body) end
    local response = c:read_response()
    assert.equal(413, response.status)
    assert.equal("big", response.body)
  end)

  it("reaches it also when the backend resets its connection behind the answer", function()
    local n = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:send(REFUSED)
        conn:close() -- with bytes unread: a reset
      end,
    }
    local c = client.connect(n.address)
    c:send(HEAD:format(200000))
    c:try_send(proxied.pattern(65536))
    local response = c:read_response()
    assert.equal(413, response.status)
    assert.equal("big", response.body)
  end)

  it("does not stop the upload when the backend goes on reading", function()
    local n, web = proxied.start(function(conn)
      conn:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n"
      local body = conn:read_body()
      conn:send(proxied.chunked { tostring(#body) })
    end)
    local c = client.connect(n.address)
    c:send(HEAD:format(300000))
    assert.matches("^HTTP/1.1 200 ", c:receive_until "early\r\n")
    c:send(proxied.pattern(300000))
    assert.equal("6\r\n300000\r\n0\r\n\r\n", c:receive_until "\r\n0\r\n\r\n")
    assert.equal(300000, web:requests()[1].length)
  end)

  it("leaves nothing of the request to the next one", function()
    local n, web = proxied.start {
      connection = function(conn)
        if not conn:read_request() then return end
        if conn.request.method == "POST" then
          conn:send(REFUSED)
          return conn:closed(5)
        end
        conn:send "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      end,
    }
    local c = client.connect(n.address)
    c:send(HEAD:format(100) .. "GET /smuggled HTTP/1.1\r\n")
    assert.equal(413, c:read_response().status)
    assert.is_true(c:closed())
    assert.equal("ok", n:get("/").body)
    c:close()
    eventually(function() return web:open_connections() == 0 end)
    assert.equal(2, web:connections())
    assert.equal(2, #web:requests())
  end)

  it("of a large one reaches a client that sends all of its body first", function()
    local large = proxied.pattern(6000000)
    local n = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:send(("HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n"):format(#large) .. large)
        conn:close() -- with bytes unread
      end,
    }
    local c = client.connect(n.address)
    c:send(HEAD:format(20000000))
    for _ = 1, 200 do c:send(("x"):rep(100000)) end
    local response = c:read_response()
    assert.equal(500, response.status)
    assert.is_true(#response.body > 0)
  end)
end)
