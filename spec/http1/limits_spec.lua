local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local function status_of(n, bytes)
  local response = client.request(n.address, bytes)
  return response.status, response.headers.connection
end

local function with_field(size, count)
  return "GET / HTTP/1.1\r\nHost: a\r\n"
    .. ("X: " .. ("a"):rep(size - 5) .. "\r\n"):rep(count or 1) .. "\r\n"
end

describe("limits", function()
  it("header_bytes: a larger head is 431", function()
    local n, web = proxied.start({}, "limits = { header_bytes = 1000 }")
    local others = #with_field(5) - 5
    assert.equal(200, status_of(n, with_field(1000 - others)))
    assert.equal(431, status_of(n, with_field(1001 - others)))
    assert.equal(1, #web:requests())
  end)

  it("of a client's heads are not those of backends", function()
    local n = proxied.start(function()
      return { headers = { ["X-Long"] = ("a"):rep(60000) } }
    end, "limits = { header_bytes = 1000, headers = 5 }")
    assert.equal(60000, #n:get("/").headers["x-long"])
  end)

  it("uri_bytes: a longer target is 414", function()
    local n, web = proxied.start({}, "limits = { uri_bytes = 100 }")
    local function get(length)
      return "GET /" .. ("x"):rep(length - 1) .. " HTTP/1.1\r\nHost: a\r\n\r\n"
    end
    assert.equal(200, status_of(n, get(100)))
    assert.equal(414, status_of(n, get(101)))
    assert.equal(1, #web:requests())
  end)

  it("headers: more fields are 431", function()
    local n, web = proxied.start({}, "limits = { headers = 10 }")
    assert.equal(200, status_of(n, with_field(10, 9)))
    assert.equal(431, status_of(n, with_field(10, 10)))
    assert.equal(1, #web:requests())
  end)

  it("body_bytes: a body that came with its head is not taken for a request", function()
    local n, web = proxied.start({}, "limits = { body_bytes = 4 }")
    local smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    local c = client.connect(n.address)
    c:send(("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s")
      :format(#smuggled, smuggled))
    local response = c:read_response()
    assert.same({ 413, "close" }, { response.status, response.headers.connection })
    assert.equal("", c:receive_all())
    assert.equal(0, web:connections())
  end)

  it("body_bytes: a longer body is 413, before it is read", function()
    local n, web = proxied.start({}, "limits = { body_bytes = 1000 }")
    local head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    assert.equal(200, status_of(n, head:format(1000) .. ("x"):rep(1000)))
    local status, connection = status_of(n, head:format(1001))
    assert.equal(413, status)
    assert.equal("close", connection)
    assert.equal(413, (status_of(n, head:format(1001) .. ("x"):rep(1001))))
    assert.equal(1, #web:requests())
  end)

  it("body_bytes: a body in chunks is counted as it comes, without its coding", function()
    local n, web = proxied.start({}, "limits = { body_bytes = 1000 }")
    local head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    local pieces = {}
    for index = 1, 100 do pieces[index] = ("x"):rep(10) end
    assert.equal(200, status_of(n, head .. proxied.chunked(pieces)))
    local c = client.connect(n.address)
    c:send(head)
    for _ = 1, 101 do c:send("a\r\n" .. ("x"):rep(10) .. "\r\n") end
    local response = c:read_response()
    assert.equal(413, response.status)
    assert.equal("close", response.headers.connection)
    eventually(function()
      for _, request in ipairs(web:requests()) do
        if request.length > 1000 or (request.number == 2 and request.complete) then return false end
      end
      return true
    end)
  end)

  it("connections: more are answered 503, until one ends", function()
    local n, web = proxied.start({}, "limits = { connections = 2 }")
    local open = {}
    for index = 1, 2 do
      open[index] = client.connect(n.address)
      assert.equal(200, open[index]:request("GET", "/").status)
    end
    for _ = 1, 3 do
      local response = n:get "/"
      assert.equal(503, response.status)
      assert.matches("connections", response.headers["x-neap-error"])
      assert.equal("close", response.headers.connection)
    end
    n:wait_log "too many connections"
    assert.equal(200, open[1]:request("GET", "/").status)
    open[1]:close()
    eventually(function() return n:get("/").status == 200 end)
    assert.is_true(#web:requests() >= 4)
  end)

  it("requests: the last one of a connection ends it", function()
    local n = proxied.start({}, "limits = { requests = 3 }")
    local c = client.connect(n.address)
    for _ = 1, 2 do assert.is_nil(c:request("GET", "/").headers.connection) end
    assert.equal("close", c:request("GET", "/").headers.connection)
    assert.is_true(c:closed())
  end)
end)
