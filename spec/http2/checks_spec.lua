-- Health checks of pools that are spoken to in HTTP/2.
local h2_server = require "support.h2_server"
local neap = require "support.neap"
local pki = require "support.pki"

local function secure(options)
  local cert = pki.self_signed { names = { "localhost" }, ips = { "127.0.0.1" } }
  options.tls = { certificate = cert.chain_path, key = cert.key_path }
  return options
end

local function start(server, health, http2)
  return neap.start { allow = { "dead", "Unreachable" }, config = ([[return { workers = 1,
    services = { { listen = "127.0.0.1:0", pool = "p" } }, pools = { p = { backends = { %q },
      http2 = %s, tls = { verify = false }, health = { interval = 0.2, timeout = 5, %s } } } }]])
    :format(server.url, http2 or "true", health) }
end

describe("a check of a pool with http2 = true", function()
  it("of type tcp wants HTTP/2 agreed on over TLS", function()
    local o = h2_server.start(secure { allow_errors = true, alpn = { "http/1.1" } })
    start(o, 'type = "tcp"'):wait_log "checked dead.-the backend does not offer HTTP/2 %(ALPN%)"
    start(h2_server.start(secure { allow_errors = true }), 'type = "tcp"'):wait_log "checked ok"
  end)

  it("of type http asks in HTTP/2, in the clear and over TLS", function()
    for _, options in ipairs { {}, secure {} } do
      options.handler = function() return { headers = { { "x-a", "1" } }, body = "well" } end
      local o = h2_server.start(options)
      local kind = options.tls and "https" or "http"
      local expected = 'path = "/up", body = "well", expect_headers = { ["X-A"] = "1" }'
      local n = start(o, ("type = %q, %s"):format(kind, expected))
      n:wait_log "checked ok"
      local fields = o:streams()[1].fields
      assert.same({ "GET", "/up", kind }, { fields[":method"], fields[":path"], fields[":scheme"] })
      assert.equal(200, n:get("/").status)
    end
  end)

  it("of type http judges status and body", function()
    local o = h2_server.start { handler = function() return { status = 503 } end }
    start(o, 'type = "http"'):wait_log "checked dead.-status 503"
    o = h2_server.start { handler = function() return ("x"):rep(200000) end, allow_errors = true }
    start(o, 'type = "http"'):wait_log "checked ok"
    start(o, 'type = "http", body = "y"'):wait_log "checked dead.-does not contain"
  end)
end)

describe("a check of a pool with http2 = \"auto\"", function()
  it("asks in what ALPN gives", function()
    local o = h2_server.start(secure { handler = function() return "well" end })
    start(o, 'type = "https", path = "/up", body = "well"', '"auto"'):wait_log "checked ok"
    assert.equal("/up", o:streams()[1].fields[":path"])
    o = h2_server.start(secure { alpn = { "http/1.1" }, connection = function(h2)
      local target = h2.io:read_until("\r\n\r\n"):match "^GET (%S+) HTTP/1.1"
      h2.io:send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" .. target:sub(2))
    end })
    start(o, 'type = "https", path = "/well", body = "well"', '"auto"'):wait_log "checked ok"
  end)
end)

describe("a pool without http2", function()
  it("is told that its backend answers in HTTP/2", function()
    local o = h2_server.start { allow_errors = true, connection = function(h2)
      h2:begin()
      h2.conn:read_some()
    end }
    local n = neap.start { allow = { "dead" }, config = neap.config({ o.url },
      'workers = 1, health = { type = "none" }') }
    assert.equal(502, n:get("/").status)
    n:wait_log "the backend answers in HTTP/2: set http2 = true in its pool"
  end)
end)
