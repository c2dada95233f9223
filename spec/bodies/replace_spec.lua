local client = require "support.client"
local h2_client = require "support.h2_client"
local h2_server = require "support.h2_server"
local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"

local SETS = 'policy = { request = function(request) assert(request:set_body(%s)) end },'
local HEAD = "POST / HTTP/1.1\r\nHost: a\r\n"

local function echo(conn, request)
  local body, trailers = conn:read_body()
  local h = request.headers
  return ("%s|%s|%s|%s|%d"):format(body, h["content-length"] or "-", h["transfer-encoding"] or "-",
    h.trailer or "-", #(trailers or {}))
end

local function start(bytes, more)
  return proxied.start(echo, SETS:format(bytes) .. (more or ""))
end

describe("request:set_body", function()
  it("replaces a body with a length", function()
    local n = start '"longer than it was"'
    local c = client.connect(n.address)
    for _ = 1, 2 do
      c:send(HEAD .. "Content-Length: 5\r\n\r\nhello")
      assert.equal("longer than it was|18|-|-|0", c:read_response().body)
    end
  end)

  it("makes of a chunked one one with a length, without trailers", function()
    local n = start '"new"'
    local c = client.connect(n.address)
    for _ = 1, 2 do
      c:send(HEAD .. "Transfer-Encoding: chunked\r\nTrailer: x-a\r\n\r\n5\r\nhello\r\n")
      c:send "0\r\nx-a: 1\r\n\r\n"
      assert.equal("new|3|-|-|0", c:read_response().body)
    end
  end)

  it("gives a body to a request without one, and none to it with \"\"", function()
    assert.equal("new|3|-|-|0", start('"new"'):get().body)
    assert.equal("|-|-|-|0", start('""'):get().body)
    assert.equal("|0|-|-|0", client.request(start('""').address,
      HEAD .. "Content-Length: 5\r\n\r\nhello").body)
  end)

  it("may build on what came, and is what hooks see from then on", function()
    local n = proxied.start(echo, [[policy = {
      request = function(request) request:set_body(request:body() .. " world") end,
      pick = function(request, pool)
        assert(request:body() == "hello world")
        request:set_body(request:body() .. "!")
        return pool[1]
      end,
    },]])
    assert.equal("hello world!|12|-|-|0", client.request(n.address,
      HEAD .. "Content-Length: 5\r\n\r\nhello").body)
  end)

  it("says that it is too long, and leaves it as it is", function()
    local n = proxied.start(echo, [[limits = { hook_body_bytes = 1024 }, policy = {
      request = function(request)
        local is_set, why = request:set_body "new"
        assert(is_set == nil and why == "too long")
      end,
    },]])
    local body = proxied.pattern(5000)
    local answer = client.request(n.address, HEAD .. "Content-Length: 5000\r\n\r\n" .. body)
    assert.equal(body .. "|5000|-|-|0", answer.body)
  end)

  it("takes megabytes, and answers a client that waits to go on", function()
    local n = start '("x"):rep(4000000)'
    local c = client.connect(n.address)
    c:send(HEAD .. "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert.matches("^HTTP/1.1 100 ", c:receive_until "\r\n\r\n")
    c:send "hello"
    assert.is_true(("x"):rep(4000000) .. "|4000000|-|-|0" == c:read_response().body)
  end)

  it("is sent again to another backend", function()
    local gone = origin.start { connection = function(conn)
      conn:read_request()
      conn:reset()
    end }
    local n = proxied.before({ gone, origin.start { handler = echo } }, [[
      retry = { unsafe = true },
      policy = {
        request = function(request) request:set_body "new" end,
        pick = function(_, pool) return pool[1] end,
        failed = function(request)
          request:set_body(request:body() .. "er")
          return "retry"
        end,
      },]])
    assert.equal("newer|5|-|-|0", client.request(n.address,
      HEAD .. "Content-Length: 5\r\n\r\nhello").body)
  end)

  it("goes over HTTP/2, from a client and to a backend", function()
    local web = h2_server.start { handler = function(h2, stream)
      return ("%s|%s"):format(h2:whole(stream), stream.fields["content-length"] or "-")
    end }
    local n = neap.start { config = ([[return {
      services = { { listen = "127.0.0.1:0", pool = "p", %s } },
      pools = { p = { backends = { "%s" }, health = { type = "none" }, http2 = true } },
    }]]):format(SETS:format '("x"):rep(100000)', web.url) }
    local c = h2_client.connect(n.address)
    local all = ("x"):rep(100000) .. "|100000"
    for _ = 1, 2 do
      local id = c:request({ [":method"] = "POST" }, { body = "hello",
        trailers = { { "x-a", "1" } } })
      assert.is_true(all == c:answer(id).body)
    end
    assert.is_true(all == client.request(n.address, HEAD
      .. "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").body)
  end)
end)
