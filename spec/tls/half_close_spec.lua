-- Ends of one side over TLS: close_notify is an end, and an end close_notify, both ways. One neap
-- begins TLS to another, which ends it, so each spec sees both roles.

local client = require "support.client"
local eventually = require "support.eventually"
local https = require "support.https"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"
local tcp = require "support.tcp"

local TLS = 'tls = { certificate = "cert.pem", key = "key.pem" },'

-- In the clear to `inner`, whose clients come by TLS.
local function before(inner)
  return neap.start { files = https.files(), config = ([[return { mode = "tcp", workers = 1,
    listen = "127.0.0.1:0", backends = { "tls://%s" }, health = { type = "none" },
    log = { level = "info" }, tls = { ca = "ca.pem" } }]]):format(inner.address) }
end

local function tcp_pair(connection)
  local o = origin.start { connection = connection }
  return before(neap.start { config = tcp.config({ o }, TLS), files = https.files() })
end

local function http_pair(more)
  local o = origin.start { handler = function(conn, request)
    if request.target == "/never" then conn:wait(30) end
    return { body = "whole" }
  end, allow_errors = true }
  local inner = https.before({ o }, more
    .. ', access_log = { target = "access.log", format = "json" }')
  return before(inner), inner
end

describe("over TLS, in a tcp service", function()
  it("a client that has said its last still gets what follows", function()
    local n = tcp_pair(function(conn) conn:send("you said " .. conn:read_all()) end)
    local c = client.connect(n.address)
    c:send "all of it"
    c:shutdown_write()
    assert.equal("you said all of it", c:receive_all())
  end)

  it("a backend that has said its last still gets what follows", function()
    local path = scope.directory() .. "/told"
    local n = tcp_pair(function(conn)
      conn:send "my last"
      conn:finish()
      scope.write(path, conn:read_all())
    end)
    local c = client.connect(n.address)
    assert.equal("my last", c:receive_all())
    c:send "thanks"
    c:shutdown_write()
    eventually(function()
      local file = io.open(path)
      local text = file and file:read "*a"
      if file then file:close() end
      return text == "thanks"
    end)
  end)
end)

describe("over TLS, a client that ends its side after its request", function()
  local GET = "GET %s HTTP/1.1\r\nHost: a\r\n\r\n"

  it("gets the answer with half_close", function()
    local n = http_pair "half_close = true"
    local c = client.connect(n.address)
    c:send(GET:format "/")
    c:shutdown_write()
    local r = c:read_response()
    assert.same({ 200, "whole" }, { r.status, r.body })
    assert.equal("", c:receive_all())
  end)

  it("counts as gone without", function()
    local n, inner = http_pair "half_close = false"
    local c = client.connect(n.address)
    c:send(GET:format "/never")
    c:shutdown_write()
    assert.equal("", c:receive_all())
    eventually(function()
      return scope.read(inner.dir .. "/access.log"):find('"reason":"client left"', 1, true)
    end)
  end)
end)
