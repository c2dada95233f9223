local client = require "support.client"
local h2_client = require "support.h2_client"
local h2_server = require "support.h2_server"
local neap = require "support.neap"
local proxied = require "support.proxied"

local SETS = [[policy = { response = function(_, _, response)
  local is_set, why = response:set_body(%s)
  response:set_header("x-set", tostring(is_set) .. tostring(why))
end },]]

local function start(backend, bytes, more)
  return proxied.start(backend, SETS:format(bytes) .. (more or ""))
end

local function chunked(conn)
  conn:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-a\r\nX-B: 1\r\n\r\n"
  conn:send "5\r\nhello\r\n"
  conn:wait(0.02)
  conn:send "0\r\nx-a: 1\r\n\r\n"
end

local function told(answer)
  local h = answer.headers
  return ("%s|%s|%s|%s"):format(answer.body, h["content-length"] or "-",
    h["transfer-encoding"] or "-", h.trailer or "-")
end

local function ask(n, method, target)
  local c = client.connect(n.address)
  return c:request(method, target or "/")
end

describe("response:set_body", function()
  it("replaces a body with a length, on connections that go on", function()
    local n, web = start(function() return "hello" end, '"longer than it was"')
    local c = client.connect(n.address)
    for _ = 1, 3 do
      assert.equal("longer than it was|18|-|-", told(c:request("GET", "/")))
    end
    assert.equal(1, web:connections())
  end)

  it("makes of a chunked one one with a length, without trailers", function()
    local n, web = start(chunked, 'response:body() .. " world"')
    local c = client.connect(n.address)
    for _ = 1, 2 do
      local answer = c:request("GET", "/")
      assert.equal("hello world|11|-|-", told(answer))
      assert.equal("1", answer.headers["x-b"])
    end
    assert.equal(1, web:connections())
  end)

  it("keeps the client's connection where the backend ends its own", function()
    local n = start({ connection = function(conn)
      conn:read_request()
      conn:send "HTTP/1.1 200 OK\r\n\r\nto the end"
      conn:close()
    end }, 'response:body():upper()')
    local c = client.connect(n.address)
    for _ = 1, 2 do assert.equal("TO THE END|10|-|-", told(c:request("GET", "/"))) end
  end)

  it("gives a body to an answer without one, and none with \"\"", function()
    assert.equal("new|3|-|-", told(ask(start(function()
      return { status = 200, body = "" }
    end, '"new"'), "GET")))
    assert.equal("|0|-|-", told(ask(start(chunked, '""'), "GET")))
  end)

  it("says no length, and sends nothing, where no body may be", function()
    local n = start(function(_, request)
      return { status = tonumber(request.target:match "%d+"), body = "" }
    end, '"new"')
    assert.equal("|-|-|-", told(ask(n, "HEAD", "/200")))
    assert.equal("|-|-|-", told(ask(n, "GET", "/204")))
    assert.equal("|-|-|-", told(ask(n, "GET", "/304")))
  end)

  it("leaves what describes the body to the policy", function()
    local n = start(function()
      return { status = 206, body = "part", headers = { ["Content-Range"] = "bytes 0-3/9",
        ["Content-Encoding"] = "gzip", ETag = '"a"' } }
    end, '"new"')
    local answer = ask(n, "GET")
    assert.equal("206 bytes 0-3/9 gzip \"a\" new", ("%d %s %s %s %s"):format(answer.status,
      answer.headers["content-range"], answer.headers["content-encoding"], answer.headers.etag,
      answer.body))
  end)

  it("is what is read from then on", function()
    local n = proxied.start(chunked, [[policy = { response = function(_, _, response)
      response:set_body(response:body() .. "!")
      response:set_body(response:body() .. "!")
      assert(response:body(6) == nil and response:body(7) == "hello!!")
    end },]])
    assert.equal("hello!!", ask(n, "GET").body)
  end)

  it("says that an answer is too long, and leaves it as it is", function()
    local body = proxied.pattern(5000)
    local n = start(function() return body end, '"new"', "limits = { hook_body_bytes = 1024 },")
    local answer = ask(n, "GET")
    assert.equal("niltoo long", answer.headers["x-set"])
    assert.equal(body, answer.body)
  end)

  it("takes megabytes", function()
    local n = start(chunked, '("x"):rep(4000000)')
    assert.is_true(("x"):rep(4000000) .. "|4000000|-|-" == told(ask(n, "GET")))
  end)

  it("goes to a client of HTTP/1.0", function()
    local n = start(chunked, '"new"')
    local answer = client.request(n.address,
      "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
    assert.equal("new|3|-|-", told(answer))
  end)

  it("is the answer that failed most, too, when it is passed on", function()
    local n = start(function() return { status = 503, body = "sorry" } end,
      'response.status .. response:body()', "retry = { status = { 503 } },")
    local answer = ask(n, "GET")
    assert.equal("503 503sorry|8|-|-", answer.status .. " " .. told(answer))
  end)

  it("goes over HTTP/2, from a backend and to a client", function()
    local web = h2_server.start { handler = function()
      return { body = "hello", trailers = { { "x-a", "1" } } }
    end }
    local n = neap.start { config = ([[return {
      services = { { listen = "127.0.0.1:0", pool = "p", %s } },
      pools = { p = { backends = { "%s" }, health = { type = "none" }, http2 = true } },
    }]]):format(SETS:format 'response:body() .. ("x"):rep(100000)', web.url) }
    local all = "hello" .. ("x"):rep(100000)
    local c = h2_client.connect(n.address)
    for _ = 1, 2 do
      local answer = c:answer(c:request({}))
      assert.is_true(all == answer.body)
      assert.equal("100005", answer.headers["content-length"])
      assert.is_nil(answer.trailers and answer.trailers["x-a"])
    end
    assert.is_true(all .. "|100005|-|-" == told(ask(n, "GET")))
  end)
end)
