local client = require "support.client"
local origin = require "support.origin"
local proxied = require "support.proxied"

local SEES = [[policy = { response = function(request, backend, response)
  require("neap").log.info "asks"
  local body, why = response:body(%s)
  response:set_header("x-seen", body and #body .. body:sub(-8) or why)
end },]]

local function start(backend, max, more)
  return proxied.start(backend, SEES:format(max or "") .. (more or ""))
end

-- A backend that answers each request with these bytes; functions are called in between.
local function raw(...)
  local parts = { ... }
  return { connection = function(conn)
    while conn:read_request() do
      for _, part in ipairs(parts) do
        if type(part) == "string" then conn:send(part) else part(conn) end
      end
    end
  end }
end

local function pause(conn) conn:wait(0.05) end
local function close(conn) conn:close() end

describe("response:body", function()
  it("gives the bytes of an answer, and they go on", function()
    local n, web = start(function() return "hello" end)
    local c = client.connect(n.address)
    for _ = 1, 3 do
      local answer = c:request("GET", "/")
      assert.equal("5hello hello", answer.headers["x-seen"] .. " " .. answer.body)
      assert.equal("5", answer.headers["content-length"])
    end
    assert.equal(1, web:connections())
  end)

  it("waits for what comes in pieces, after the head", function()
    local n = start(raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", pause, "01234", pause,
      "56789"))
    local c = client.connect(n.address)
    for _ = 1, 2 do
      local answer = c:request("GET", "/")
      assert.equal("1023456789 0123456789", answer.headers["x-seen"] .. " " .. answer.body)
    end
  end)

  it("takes the chunk coding out, and passes it on with its trailers", function()
    local body = proxied.pattern(30000)
    local n = start(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-a\r\n\r\n",
      pause, "3\r\nabc\r\n", pause, ("%x ;n=v\r\n"):format(#body) .. body,
      "\r\n0\r\nX-A: 1\r\n\r\n"))
    local c = client.connect(n.address)
    for _ = 1, 2 do
      local answer = c:request("GET", "/")
      assert.equal("30003" .. body:sub(-8), answer.headers["x-seen"])
      assert.equal("abc" .. body, answer.body)
      assert.equal("1", answer.trailers["x-a"])
    end
  end)

  it("takes the connection's end for the body's, where no length is said", function()
    local n = start(raw("HTTP/1.1 200 OK\r\n\r\n", pause, "to the ", pause, "end", close))
    local answer = client.get(n.address, "/")
    assert.equal("10 the end to the end", answer.headers["x-seen"] .. " " .. answer.body)
  end)

  it("is \"\" where there is no body", function()
    local n = start(function(_, request)
      local status = tonumber(request.target:match "%d+")
      return { status = status, headers = status == 200 and { ["Content-Length"] = "7" } or {},
        body = "" }
    end)
    assert.equal("0", client.get(n.address, "/204").headers["x-seen"])
    assert.equal("0", client.get(n.address, "/304").headers["x-seen"])
    local c = client.connect(n.address)
    c:send "HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n"
    local answer = c:read_response { head = true }
    assert.equal("0 7", answer.headers["x-seen"] .. " " .. answer.headers["content-length"])
  end)

  it("passes on what is longer than the hook wants, whole", function()
    local body = proxied.pattern(1000000)
    for _, backend in ipairs {
      { function() return body end },
      { raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", pause,
        proxied.chunked { body:sub(1, 9), body:sub(10, 300000), body:sub(300001) }) },
      { raw("HTTP/1.1 200 OK\r\n\r\n", body:sub(1, 70000), pause, body:sub(70001), close) },
    } do
      local n = start(backend[1], 50000)
      local answer = client.get(n.address, "/")
      assert.equal("too long", answer.headers["x-seen"])
      assert.is_true(answer.body == body)
    end
  end)

  it("gives as much as limits.hook_body_bytes, to the byte", function()
    for _, size in ipairs { 65536, 300000 } do
      local body = proxied.pattern(size)
      local n = start(function() return body end, "", ("limits = { hook_body_bytes = %d },")
        :format(size))
      local answer = client.get(n.address, "/")
      assert.equal(size .. body:sub(-8), answer.headers["x-seen"])
      assert.is_true(answer.body == body)
    end
  end)

  it("may be asked for again, with more", function()
    local n = proxied.start(raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12", pause, "3456789"),
      [[policy = { response = function(_, _, response)
        assert(response:body(8) == nil)
        assert(response:body(9) == "123456789")
        assert(response:body() == "123456789" and response:header "content-length" == "9")
        response:set_header("x-seen", "both")
      end },]])
    assert.equal("both", client.get(n.address, "/").headers["x-seen"])
  end)

  it("holds nothing back for a hook that does not ask", function()
    local n = proxied.start(raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na", function(conn)
      conn:read_some()
    end), [[policy = { response = function(_, _, response) response:set_header("x-a", "1") end },]])
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert.matches("x%-a: 1\r\n\r\na$", c:receive_until "\r\n\r\na")
    c:close()
  end)

  it("goes to a client of HTTP/1.0 without the coding", function()
    local n = start(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", pause,
      "2\r\nde\r\n0\r\n\r\n"))
    local answer = client.request(n.address, "GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    assert.equal("5abcde abcde", answer.headers["x-seen"] .. " " .. answer.body)
  end)

  it("comes while the backend still takes the rest of the request", function()
    local n = start { connection = function(conn)
      conn:read_request()
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab"
      conn:send(conn:read(4))
    end }
    local c = client.connect(n.address)
    c:send "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n1"
    n:wait_log "asks"
    c:send "234"
    local answer = c:read_response()
    assert.equal("6ab1234 ab1234", answer.headers["x-seen"] .. " " .. answer.body)
  end)

  it("goes on when its hook errs after the wait", function()
    local web = origin.start(raw("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12", pause, "34"))
    local n = proxied.before({ web }, [[policy = { response = function(_, _, response)
      response:set_header("x-a", "1")
      response:set_body(response:body() .. "new")
      error "oh"
    end },]], { "oh" })
    local answer = client.get(n.address, "/")
    assert.equal("1234 4", answer.body .. " " .. answer.headers["content-length"])
    assert.is_nil(answer.headers["x-a"])
  end)

  it("refuses the request of a guard that errs after the wait", function()
    local web = origin.start(raw("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12", pause, "34"))
    local n = proxied.before({ web }, [[guard = true, policy = {
      response = function(_, _, response) error(response:body()) end },]], { "1234" })
    assert.equal(503, client.get(n.address, "/").status)
  end)
end)
