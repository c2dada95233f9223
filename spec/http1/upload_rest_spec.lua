local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local proxied = require "support.proxied"

local ACCEPTED = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"
local LENGTH = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
local CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
local SHORT = "timeouts = { stream_idle = 1, client_body = 1, response = 1 }"

-- Says all it has to say when it has seen the head, then reads the body.
local function answers_first(answer)
  return function(conn)
    while conn:read_request() do
      conn:send(answer or ACCEPTED)
      if conn.request.method == "POST" and not conn:read_body() then return end
    end
  end
end

local function start(connection, more)
  local web = origin.start { connection = connection }
  return proxied.before({ web }, more), web
end

local function send_slowly(c, pieces, pause)
  for _, piece in ipairs(pieces) do
    c:send(piece)
    eventually.pause(pause, "a client that sends slowly")
  end
end

describe("the rest of an upload after a complete answer", function()
  for what, head in pairs { length = LENGTH:format(300000), chunked = CHUNKED } do
    it("goes on to the backend: " .. what, function()
      local n, web = start(answers_first())
      local c = client.connect(n.address)
      c:send(head)
      assert.equal(202, c:read_response().status)
      local body = proxied.pattern(300000)
      c:send(what == "length" and body or proxied.chunked { body:sub(1, 99), body:sub(100) })
      eventually(function() return web:requests()[1].complete end)
      assert.equal(300000, web:requests()[1].length)
    end)
  end

  it("may come slowly: what moves is alive", function()
    local n, web = start(answers_first(), SHORT)
    local c = client.connect(n.address)
    c:send(LENGTH:format(8))
    send_slowly(c, { "12", "34", "56", "78" }, 0.4)
    eventually(function() return web:requests()[1].complete end)
    assert.equal("12345678", web:requests()[1].body)
  end)

  it("of a success leaves the client's connection for the next request", function()
    local n, web = start(answers_first())
    local c = client.connect(n.address)
    for round = 1, 3 do
      c:send(LENGTH:format(5))
      local response = c:read_response()
      assert.equal(202, response.status)
      assert.is_nil(response.headers.connection)
      c:send "hello"
      eventually(function() return web:requests()[round].complete end)
    end
    assert.equal(3, web:connections()) -- the backend may still be reading: not kept
    assert.equal(202, c:request("GET", "/").status)
  end)

  it("of a refusal goes on, too, but the client gets the end of its connection at once", function()
    local n, web = start(answers_first "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
    local c = client.connect(n.address)
    c:send(LENGTH:format(5))
    local response = c:read_response()
    assert.equal("close", response.headers.connection)
    assert.is_true(c:closed(1))
    c:send "hello"
    eventually(function() return web:requests()[1].complete end)
  end)

  it("arrives whole when the client leaves behind its last byte", function()
    local n, web = start(function(conn)
      conn:read_request()
      conn:send(ACCEPTED)
      conn:wait(0.5)
      conn:read_body()
    end)
    local c = client.connect(n.address)
    c:send(LENGTH:format(3000000))
    assert.equal(202, c:read_response().status)
    c:send(proxied.pattern(3000000))
    c:close()
    eventually(function() return web:requests()[1].complete end, 10)
    assert.equal(3000000, web:requests()[1].length)
  end)

  it("ends with a backend that closes, without harm to the answer", function()
    local n = start(function(conn)
      conn:read_request()
      conn:send(ACCEPTED)
    end)
    local c = client.connect(n.address)
    c:send(LENGTH:format(1000000))
    assert.equal(202, c:read_response().status)
    assert.is_true(c:closed())
  end)

  it("ends when the client stalls for client_body", function()
    local n, web = start(answers_first(), "timeouts = { client_body = 0.2 }")
    local c = client.connect(n.address)
    c:send(LENGTH:format(10) .. "hello")
    assert.equal(202, c:read_response().status)
    assert.is_true(c:closed())
    eventually(function() return web:open_connections() == 0 end)
    assert.is_false(web:requests()[1].complete)
  end)

  it("and bytes behind the answer keep the backend's connection from being used again", function()
    local n, web = start(function(conn)
      conn:read_request()
      conn:send(ACCEPTED .. ACCEPTED)
      if conn.request.method == "POST" then conn:read_body() end
      conn:closed(5)
    end)
    local c = client.connect(n.address)
    c:send(LENGTH:format(5))
    assert.equal(202, c:read_response().status)
    c:send "hello"
    eventually(function() return web:requests()[1].complete end)
    assert.equal(202, c:request("GET", "/").status)
    assert.equal(2, web:connections())
  end)
end)

describe("an upload during its answer", function()
  local function begins_first(conn)
    conn:read_request()
    conn:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n"
    local body = conn:read_body()
    conn:send(proxied.chunked { tostring(body and #body) })
  end

  it("keeps the exchange alive by what moves", function()
    local n = start(begins_first, SHORT)
    local c = client.connect(n.address)
    c:send(LENGTH:format(8))
    send_slowly(c, { "12", "34", "56", "78" }, 0.4)
    assert.equal("begin8", c:read_response().body)
  end)

  it("is ended by stream_idle when nothing moves", function()
    local n, web = start(begins_first, SHORT)
    local c = client.connect(n.address)
    c:send(LENGTH:format(8) .. "12")
    assert.is_true(c:read_response().truncated)
    eventually(function() return web:open_connections() == 0 end)
  end)
end)
