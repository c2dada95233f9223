local client = require "support.client"
local proxied = require "support.proxied"

local function echo(conn) return (conn:read_body()) end

local POST = "POST / HTTP/1.1\r\nHost: a\r\n"
local CHUNKED = POST .. "Transfer-Encoding: chunked\r\n\r\n"

-- A backend that answers each request with these bytes.
local function sending(bytes)
  return {
    connection = function(conn)
      while conn:read_request() do conn:send(bytes) end
    end,
  }
end

describe("a body", function()
  it("with a length goes both ways whole", function()
    local n, web = proxied.start(echo)
    local c = client.connect(n.address)
    for _, size in ipairs { 0, 1, 16383, 65535, 65536, 65537, 1000000 } do
      local body = proxied.pattern(size)
      local response = c:request("PUT", "/", nil, body)
      assert.equal(tostring(size), response.headers["content-length"])
      assert.is_true(response.body == body)
    end
    local last = web:requests()[7]
    assert.equal("1000000", last.headers["content-length"])
    assert.is_nil(last.headers["transfer-encoding"])
  end)

  it("in chunks goes to the backend in chunks", function()
    local n, web = proxied.start(echo)
    local c = client.connect(n.address)
    for _, pieces in ipairs { {}, { "a" }, { "hello", " ", "world" },
      { proxied.pattern(70000), "x", proxied.pattern(300000) } } do
      c:send(CHUNKED .. proxied.chunked(pieces))
      assert.is_true(c:read_response().body == table.concat(pieces))
    end
    local first = web:requests()[1]
    assert.equal("chunked", first.headers["transfer-encoding"])
    assert.is_nil(first.headers["content-length"])
  end)

  it("in chunks that come slowly is passed on as it comes", function()
    local n = proxied.start(function(conn)
      conn:read_until "first\r\n"
      conn:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
      conn:read_until "0\r\n\r\n"
      conn.body_read = true
      conn:send "3\r\ntwo\r\n0\r\n\r\n"
    end)
    local c = client.connect(n.address)
    c:send(CHUNKED .. "5\r\nfirst\r\n")
    c:receive_until "one\r\n"
    c:send "6\r\nsecond\r\n0\r\n\r\n"
    assert.equal("3\r\ntwo\r\n0\r\n\r\n", c:receive(13))
  end)

  it("of many tiny chunks arrives whole", function()
    local n = proxied.start(echo)
    local c = client.connect(n.address)
    local pieces = {}
    for index = 1, 2000 do pieces[index] = ("%04x"):format(index % 65536) end
    c:send(CHUNKED .. proxied.chunked(pieces))
    assert.is_true(c:read_response().body == table.concat(pieces))
  end)

  it("in chunks keeps chunk extensions harmless", function()
    local n = proxied.start(echo)
    local response = client.request(n.address, CHUNKED
      .. '5;a=b;c="d;\\"e"\r\nhello\r\n0;last\r\n\r\n')
    assert.equal("hello", response.body)
  end)

  it("of an answer keeps its chunks", function()
    local body = proxied.chunked { "one", "two", "three" }
    local n = proxied.start(sending("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. body))
    local c = client.connect(n.address)
    for _ = 1, 2 do
      local response = c:request("GET", "/")
      assert.equal("chunked", response.headers["transfer-encoding"])
      assert.equal("onetwothree", response.body)
    end
  end)

  it("of an answer ends where the backend closes when it has no length", function()
    local n = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:send "HTTP/1.1 200 OK\r\n\r\n"
        conn:send(proxied.pattern(300000))
      end,
    }
    local c = client.connect(n.address)
    local response = c:request("GET", "/")
    assert.is_true(response.until_close)
    assert.equal("close", response.headers.connection)
    assert.is_true(response.body == proxied.pattern(300000))
  end)
end)

describe("trailers", function()
  it("of a request reach the backend", function()
    local n, web = proxied.start(echo)
    local c = client.connect(n.address)
    c:send(POST .. "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. proxied.chunked({ "hello" }, "X-Sum: 42\r\nServer-Timing: a\r\n"))
    assert.equal("hello", c:read_response().body)
    local trailers = web:requests()[1].trailers
    assert.equal("42", trailers["x-sum"])
    assert.equal("a", trailers["server-timing"])
    assert.equal(200, c:request("GET", "/").status)
  end)

  it("of an answer reach the client", function()
    local n = proxied.start(sending("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n"
      .. "Transfer-Encoding: chunked\r\n\r\n" .. proxied.chunked({ "hello" }, "X-Sum: 42\r\n")))
    local c = client.connect(n.address)
    for _ = 1, 2 do
      local response = c:request("GET", "/", { TE = "trailers" })
      assert.equal("hello", response.body)
      assert.equal("42", response.trailers["x-sum"])
    end
  end)

  for _, name in ipairs { "Content-Length", "Transfer-Encoding", "Host", "Authorization",
    "Content-Type", "X-Forwarded-For", "Connection" } do
    it("that would change what the head said are refused: " .. name, function()
      local n, web = proxied.start(echo)
      local response = client.request(n.address, CHUNKED .. "5\r\nhello\r\n0\r\n"
        .. name .. ": 5\r\n\r\n")
      assert.equal(400, response.status)
      assert.equal(0, #web:requests())
    end)
  end
end)
