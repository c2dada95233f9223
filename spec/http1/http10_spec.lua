local client = require "support.client"
local proxied = require "support.proxied"

local function answering(head, body)
  return {
    connection = function(conn)
      while conn:read_request() do
        conn:send(head .. "\r\n\r\n" .. (body or ""))
        if not head:find "keep%-alive" and not head:find "HTTP/1.1" then return end
      end
    end,
  }
end

describe("a client of HTTP/1.0", function()
  it("is answered and the connection closed", function()
    local n, web = proxied.start { name = "web" }
    local c = client.connect(n.address)
    c:send "GET /a HTTP/1.0\r\nHost: a\r\n\r\n"
    local response = c:read_response()
    assert.equal("web", response.body)
    assert.equal("close", response.headers.connection)
    assert.is_true(c:closed())
    assert.equal("HTTP/1.1", web:requests()[1].version)
  end)

  it("keeps its connection when it asks to", function()
    local n = proxied.start { name = "web" }
    local c = client.connect(n.address)
    for _ = 1, 3 do
      c:send "GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n"
      local response = c:read_response()
      assert.equal("web", response.body)
      assert.equal("keep-alive", response.headers.connection:lower())
    end
  end)

  it("needs no Host: the backend is told its own", function()
    local n, web = proxied.start {}
    assert.equal(200, client.request(n.address, "GET / HTTP/1.0\r\n\r\n").status)
    assert.equal(web.address, web:requests()[1].headers.host)
  end)

  it("gets a chunked answer without its coding, ended by the close", function()
    local head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
    local n = proxied.start(answering(head, proxied.chunked({ "hello", " ", "world" }, "T: 1\r\n")))
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    local response = c:read_response()
    assert.is_nil(response.headers["transfer-encoding"])
    assert.equal("close", response.headers.connection)
    assert.is_true(response.until_close)
    assert.equal("hello world", response.body)
  end)

  for _, case in ipairs { { "HEAD", "200 OK" }, { "GET", "304 Not Modified" },
    { "GET", "204 No Content" } } do
    it(("is not told of a transfer coding: %s, %s"):format(unpack(case)), function()
      local n = proxied.start(answering(("HTTP/1.1 %s\r\nTransfer-Encoding: chunked\r\nTrailer: T")
        :format(case[2])))
      local c = client.connect(n.address)
      for _ = 1, 2 do
        c:send(case[1] .. " / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        local response = c:read_response { head = true }
        assert.is_nil(response.headers["transfer-encoding"])
      end
    end)
  end

  it("sees the break of a chunked answer although it is ended by the close", function()
    local n = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
        conn:wait(0.1)
      end,
    }
    local response = client.request(n.address, "GET / HTTP/1.0\r\n\r\n")
    assert.is_true(response.truncated)
    assert.equal("reset", response.ended)
  end)

  it("may send a body with a length", function()
    local n, web = proxied.start {}
    local response = client.request(n.address, "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello")
    assert.equal(200, response.status)
    assert.equal("hello", web:requests()[1].body)
  end)

  it("is not sent interim answers", function()
    local n = proxied.start(function(conn)
      conn:send "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      return "done"
    end)
    local response = client.request(n.address, "GET / HTTP/1.0\r\n\r\n")
    assert.same({}, response.interim)
    assert.equal("done", response.body)
  end)
end)

describe("a backend of HTTP/1.0", function()
  it("is relayed as HTTP/1.1 and not used again", function()
    local n, web = proxied.start(answering("HTTP/1.0 200 OK\r\nContent-Length: 2", "ok"))
    local c = client.connect(n.address)
    for _ = 1, 2 do
      local response = c:request("GET", "/")
      assert.equal("HTTP/1.1", response.version)
      assert.equal("ok", response.body)
    end
    assert.equal(2, web:connections())
  end)

  it("is used again when it offers to", function()
    local head = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2"
    local n, web = proxied.start(answering(head, "ok"))
    local c = client.connect(n.address)
    for _ = 1, 3 do assert.equal("ok", c:request("GET", "/").body) end
    assert.equal(1, web:connections())
  end)
end)
