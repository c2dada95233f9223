-- Backends over TLS: https:// and, for tcp services, tls://.

local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local tls_nginx = require "support.tls_nginx"

local ca, certificate

setup(function()
  ca = pki.ca { name = "a CA of specs" }
  certificate = ca:issue { names = { "a.test" }, ips = { "127.0.0.1" } }
end)

-- backends: URLs; tls: keys of the pool's.
local function start(backends, tls, more)
  return neap.start {
    config = neap.config(backends, ('tls = { ca = "%s" %s }, health = { type = "none" } %s')
      :format(ca.pem_path, tls or "", more or "")),
  }
end

local function mute() -- takes connections and says nothing
  return origin.start { name = "mute", connection = function(conn) conn:wait(20) end }
end

describe("backends over TLS", function()
  it("get requests over kept connections, under their server_name", function()
    local server = tls_nginx.start { certificate = certificate,
      tells = "[$ssl_server_name $connection_requests $ssl_protocol]" }
    local n = start({ server.url }, ', server_name = "a.test"')
    assert.equal("[a.test 1 TLSv1.3]", n:get("/").body)
    assert.equal("[a.test 2 TLSv1.3]", n:get("/").body)
    local raw = client.request(n.address,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
    assert.equal("[a.test 3 TLSv1.3]", raw.body)
  end)

  it("see sessions resumed, and a certificate of ours", function()
    local own = ca:issue { cn = "us", usage = "clientAuth" }
    local server = tls_nginx.start { certificate = certificate, client_ca = ca,
      tells = "[$ssl_session_reused $ssl_client_s_dn]" }
    local n = neap.start {
      config = ([[return { workers = 1, services = { { listen = "127.0.0.1:0", pool = "p" } },
        pools = { p = { backends = { %q }, health = { type = "none" },
          keepalive = { connections = 0 },
          tls = { ca = %q, certificate = %q, key = %q } } } }]])
        :format(server.url, ca.pem_path, own.pem_path, own.key_path),
    }
    assert.equal("[. CN=us]", n:get("/").body)
    assert.equal("[r CN=us]", n:get("/").body)
    assert.equal("[r CN=us]", n:get("/").body)
  end)

  it("that cannot be trusted get nothing of a request, which goes to another", function()
    local late = tls_nginx.start {
      certificate = ca:issue { ips = { "127.0.0.1" }, seconds = -60 }, tells = "late" }
    local well = tls_nginx.start { certificate = certificate, tells = "well" }
    local n = start({ late.url, well.url }, "", ', policy = "first"')
    local answer = client.request(n.address,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
    assert.equal("well", answer.body)
    n:wait_log "failed while connecting: the certificate expired on"
    local only = start({ late.url }, "", ', policy = "first"')
    assert.equal(502, only:get("/").status)
  end)

  it("whose handshake stalls are left in time for another; alone they are a 504", function()
    local stalled = mute()
    local well = tls_nginx.start { certificate = certificate, tells = "well" }
    local url = "https://" .. stalled.address
    local n = start({ url, well.url }, "", ', policy = "first", timeouts = { connect = 0.3 }')
    assert.equal("well", n:get("/").body)
    n:wait_log "failed while connecting: the TLS handshake timed out"
    local only = start({ url }, "", ", timeouts = { connect = 0.3 }")
    assert.equal(504, only:get("/").status)
  end)

  it("have read a PROXY header before TLS begins", function()
    local server = tls_nginx.start { certificate = certificate, listen = "proxy_protocol",
      tells = "[$proxy_protocol_addr]" }
    local n = start({ server.url }, "", ", send_proxy = 2")
    assert.equal("[127.0.0.1]", n:get("/").body)
  end)
end)

-- An answer whose body ends with its connection: of /cut, when nginx is killed.
local function until_close()
  local behind = origin.start { name = "behind", connection = function(conn)
    local request = conn:read_request()
    conn:send "HTTP/1.0 200 OK\r\n\r\nbody"
    if request.target == "/cut" then conn:closed(20) end
  end }
  return tls_nginx.start { certificate = certificate, content = ([[
    chunked_transfer_encoding off;
    location / { proxy_pass %s; proxy_buffering off; }]]):format(behind.url) }
end

describe("a body that ends with its connection", function()
  it("is whole with close_notify, and cut off without", function()
    local server = until_close()
    local n = start { server.url }
    local whole = n:get "/whole"
    assert.equal("body", whole.body)
    assert.is_falsy(whole.truncated)
    local c = client.connect(n.address)
    c:send "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n"
    c:receive_until "body"
    server:kill()
    local rest, why = c:receive_some()
    assert.is_true(rest == nil or not rest:find "0\r\n\r\n$", rest or why)
  end)

  it("is cut off by a reset in a tcp service", function()
    local server = until_close()
    local n = neap.start { config = ([[return { listen = "127.0.0.1:0", workers = 1, mode = "tcp",
      backends = { "tls://%s" }, tls = { ca = "%s" }, health = { type = "none" } }]])
      :format(server.address, ca.pem_path) }
    local c = client.connect(n.address)
    c:send "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n"
    c:receive_until "body"
    server:kill()
    local rest, why = c:receive_some()
    assert.same({ nil, "reset" }, { rest, why })
  end)
end)

describe("a tcp service", function()
  it("begins TLS to tls:// backends, and passes ends on", function()
    local server = tls_nginx.start { certificate = certificate, tells = "[$ssl_server_name]" }
    local n = neap.start { config = ([[return { listen = "127.0.0.1:0", workers = 1, mode = "tcp",
      backends = { "tls://%s" }, tls = { ca = "%s", server_name = "a.test" },
      health = { type = "tcp", interval = 0.1 } }]]):format(server.address, ca.pem_path) }
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.0\r\n\r\n"
    assert.equal("[a.test]", c:receive_all():match "%[.*%]")
  end)
end)
