-- Ends of one side over TLS: close_notify is an end, and an end close_notify, both ways. One neap
-- begins TLS to another, which ends it, so each spec sees both roles.

local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local https = require "support.https"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local scope = require "support.scope"
local tcp = require "support.tcp"
local tls_io = require "support.tls_io"

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

describe("a backend over TLS that leaves without close_notify", function()
  -- It greets and answers the client's end with more, or with nothing.
  local function start(last)
    local cert = pki.self_signed { names = { "localhost" }, ips = { "127.0.0.1" } }
    local o = origin.start { connection = function(conn)
      tls_io.server(conn, { certificate = cert.chain_path, key = cert.key_path })
      conn:send "hello"
      conn:read_all()
      if last then conn:send(last) end
    end }
    return neap.start { config = ([[return { mode = "tcp", workers = 1, listen = "127.0.0.1:0",
      backends = { "tls://%s" }, health = { type = "none" }, log = { level = "info" },
      name = "shop", tls = { verify = false }, admin = { listen = "127.0.0.1:0" } }]])
      :format(o.address) }
  end

  local function leave(n)
    local c = client.connect(n.address)
    assert.equal("hello", c:receive(5))
    c:shutdown_write()
    c:receive_all()
  end

  it("is no fault after its client's end", function()
    local n = start()
    leave(n)
    local now = eventually(function()
      local now = admin.metrics(n)
      return now['neap_service_requests_total{service="shop"}'] == 1 and now
    end)
    assert.equal(0, now['neap_service_broken_total{service="shop"}'])
    assert.equal(0, n:count_log "broke off")
  end)

  it("has broken off when it still had something to say", function()
    local n = start "more"
    leave(n)
    n:wait_log "broke off after 9 bytes to the client: backend broke off"
  end)
end)
