local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
local OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
local EXPECT = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"

local function sending(bytes)
  return {
    connection = function(conn)
      while conn:read_request() do conn:send(bytes) end
    end,
  }
end

describe("Expect: 100-continue", function()
  it("is the backend's to answer; then the body follows", function()
    local n, web = proxied.start(function(conn) return (conn:read_body()) end)
    local c = client.connect(n.address)
    c:send(EXPECT)
    assert.matches("^HTTP/1.1 100 ", c:receive_until "\r\n\r\n")
    c:send "hello"
    assert.equal("hello", c:read_response().body)
    assert.equal("100-continue", web:requests()[1].headers.expect)
    assert.equal(200, c:request("GET", "/").status)
  end)

  it("is refused by a final answer: the body is not waited for and the connection ends", function()
    local n = proxied.start(function(conn)
      conn:respond { status = 401, reason = "Unauthorized", body = "no" }
    end)
    local c = client.connect(n.address)
    c:send(EXPECT)
    local response = c:read_response()
    assert.equal(401, response.status)
    assert.same({}, response.interim)
    assert.equal("close", response.headers.connection)
    assert.is_true(c:closed())
  end)

  it("does not hold back a client that sends its body at once", function()
    local n = proxied.start(function(conn) return (conn:read_body()) end)
    local c = client.connect(n.address)
    c:send(EXPECT .. "hello")
    assert.equal("hello", c:read_response().body)
  end)

  it("is answered 413 without asking the backend when the body is too large", function()
    local n, web = proxied.start({}, "limits = { body_bytes = 4 }")
    local response = client.request(n.address, EXPECT)
    assert.equal(413, response.status)
    assert.equal(0, web:connections())
  end)

  it("of HTTP/1.0 is ignored", function()
    local n, web = proxied.start(function(conn) return (conn:read_body()) end)
    local response = client.request(n.address,
      "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
    assert.equal("hello", response.body)
    assert.same({}, response.interim)
    assert.is_nil(web:requests()[1].headers.expect)
  end)
end)

describe("an interim answer", function()
  it("is relayed before the final one", function()
    local n = proxied.start(sending(HINTS .. HINTS .. OK))
    local c = client.connect(n.address)
    for _ = 1, 2 do
      local response = c:request("GET", "/")
      assert.equal("ok", response.body)
      assert.equal(2, #response.interim)
      assert.equal("Early Hints", response.interim[1].reason)
      assert.equal("</a>; rel=preload", response.interim[1].headers.link)
    end
  end)

  it("goes out at once, not with the final one", function()
    local n, web = proxied.start(function(conn)
      conn:send(HINTS)
      conn:read_body()
      return "done"
    end)
    local c = client.connect(n.address)
    c:send "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert.matches("^HTTP/1.1 103 ", c:receive_until "\r\n\r\n")
    c:send "3\r\nnow\r\n0\r\n\r\n"
    assert.equal("done", c:read_response().body)
    assert.equal(1, web:connections())
  end)

  it("cut into pieces is relayed whole", function()
    local n = proxied.start {
      connection = function(conn)
        conn:read_request()
        for piece in (HINTS .. OK):gmatch ".?.?.?.?.?.?.?" do
          conn:send(piece)
          conn:wait(0.002)
        end
      end,
    }
    local response = n:get "/"
    assert.equal(103, response.interim[1].status)
    assert.equal("ok", response.body)
  end)

  it("loses its hop-by-hop fields and any length", function()
    local n = proxied.start(sending("HTTP/1.1 103 Early Hints\r\nConnection: x-hop\r\nX-Hop: 1\r\n"
      .. "Content-Length: 0\r\nX-Kept: 1\r\n\r\n" .. OK))
    local interim = n:get("/").interim[1]
    assert.same({ { name = "X-Kept", value = "1" } }, { interim.headers[1], interim.headers[2] })
  end)

  it("may come often, but not without end", function()
    local n, web = proxied.start(function(conn, request)
      for _ = 1, tonumber(request.target:match "%d+") do
        if not conn:send(HINTS) then return end
      end
      return "done"
    end)
    assert.equal(1000, #n:get("/1000").interim)
    local response = n:get "/100000"
    assert.equal(502, response.status)
    assert.is_string(response.headers["x-neap-error"])
    eventually(function() return web:open_connections() == 0 end)
  end)

  it("with a body coding is no answer", function()
    local n = proxied.start(sending("HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. OK))
    assert.equal(502, n:get("/").status)
  end)
end)
