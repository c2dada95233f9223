local client = require "support.client"
local cpu = require "support.cpu"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"

local GET = "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
local POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"

-- Takes a while for each answer, so that the client's end is here long before.
local function slow(conn, request)
  local body = conn:read_body()
  if not body then return end -- its client counts as gone
  conn:wait(0.2)
  return request.target .. body
end

local function half_closed(n, bytes)
  local c = client.connect(n.address)
  c:send(bytes)
  c:finish()
  return c
end

describe("half_close = true", function()
  it("answers a client that ended its side after its request, then closes", function()
    local n = proxied.start(slow, "half_close = true")
    local c = half_closed(n, GET:format "x")
    assert.equal("/x", c:read_response().body)
    assert.is_true(c:closed())
  end)

  it("after a body, too", function()
    local n = proxied.start(slow, "half_close = true")
    local c = half_closed(n, POST)
    assert.equal("/hello", c:read_response().body)
    assert.is_true(c:closed())
  end)

  it("after a body that came behind its head", function()
    local n, web = proxied.start(slow, "half_close = true")
    local c = client.connect(n.address)
    c:send(POST:sub(1, -4))
    eventually(function() return web:requests()[1] end)
    c:send "llo"
    c:finish()
    assert.equal("/hello", c:read_response().body)
    assert.is_true(c:closed())
  end)

  it("answers all that was pipelined before the end", function()
    local n = proxied.start(slow, "half_close = true")
    local c = half_closed(n, GET:format "1" .. GET:format "2" .. POST)
    for _, body in ipairs { "/1", "/2", "/hello" } do
      assert.equal(body, c:read_response().body)
    end
    assert.is_true(c:closed())
  end)

  it("holds while the request waits in a queue", function()
    local web = origin.start { handler = slow }
    local n = neap.start { config = ([[return { listen = "127.0.0.1:0", workers = 1,
      half_close = true, health = { type = "none" }, queue = { length = 9, timeout = 5 },
      backends = { { url = "%s", slots = 1 } } }]]):format(web.url) }
    local first, second = half_closed(n, GET:format "1"), half_closed(n, GET:format "2")
    assert.equal("/1", first:read_response().body)
    assert.equal("/2", second:read_response().body)
  end)

  it("does not make half a body a whole one", function()
    local n = proxied.start(slow, "half_close = true")
    local c = half_closed(n, POST:sub(1, -3))
    assert.equal("", c:receive_all())
  end)

  it("uses no time while it waits", function()
    local n = proxied.start(function(conn)
      conn:wait(1)
      return "late"
    end, "half_close = true")
    local c = half_closed(n, GET:format "x")
    assert.is_true(cpu.share(n:workers()[1], 0.5) < 0.4)
    assert.equal("late", c:read_response().body)
  end)
end)

describe("a client that ended its side", function()
  it("counts as gone without half_close", function()
    local n, web = proxied.start(function(conn) conn:closed(5) end)
    local c = half_closed(n, GET:format "x")
    assert.equal("", c:receive_all())
    eventually(function() return web:open_connections() == 0 end)
  end)
end)

describe("half_close", function()
  it("is for http: of a tcp service every half-close is passed on", function()
    local status, out = neap.check('return { mode = "tcp", half_close = true, '
      .. 'backends = { "tcp://127.0.0.1:1" } }')
    assert.equal(1, status)
    assert.matches("half_close: ", out)
  end)
end)
