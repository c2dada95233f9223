local haproxy = require "support.haproxy"
local neap = require "support.neap"
local pki = require "support.pki"
local proxied = require "support.proxied"
local s_client = require "support.s_client"
local scope = require "support.scope"

describe("HAProxy, which ends TLS in front of neap", function()
  it("tells it what hooks and backends are to know", function()
    local cert = pki.self_signed { names = { "app.example" } }
    local both = scope.directory() .. "/both.pem"
    scope.write(both, cert.pem .. cert.key)
    local n = proxied.start(function(_, request)
      return { body = request.headers["x-forwarded-proto"] }
    end, [[proxy_protocol = true, policy = { request = function(r)
      require "neap".log.info("%s %s %s", r.scheme, r.sni or "none", (r.alpn or { "none" })[1])
    end }]])
    local h = haproxy.start(
      "  server neap " .. n.address .. " send-proxy-v2 proxy-v2-options ssl,ssl-cipher,authority",
      "ssl alpn http/1.1 crt " .. both)
    local r = s_client.run { port = h.port, name = "App.Example", args = { "-alpn", "http/1.1" } }
    assert.equal(200, r.status, r.log)
    assert.matches("^https", r.body)
    n:wait_log "https app.example http/1.1"
  end)
end)

describe("HAProxy after neap, which ends TLS", function()
  local NAMES = '  http-request return status 200 content-type text/plain lf-string "'
    .. '%[fc_pp_authority] %[src]"'

  it("is told whom the client asked for", function()
    local cert = pki.self_signed { names = { "app.example" } }
    local h = haproxy.start(NAMES, "accept-proxy")
    local n = neap.start { config = proxied.config({ "http://" .. h.address }, ([[
      send_proxy = { version = 2, tls = true }, tls = { certificate = %q, key = %q },
    ]]):format(cert.pem_path, cert.key_path)) }
    local r = s_client.run { port = n.port, name = "app.example" }
    assert.equal(200, r.status, r.log)
    assert.matches("^app.example 127.0.0.1", r.body)
  end)
end)
