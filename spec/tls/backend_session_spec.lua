-- TLS sessions with backends: when they are resumed no more.

local eventually = require "support.eventually"
local neap = require "support.neap"
local pki = require "support.pki"
local scope = require "support.scope"
local tls_nginx = require "support.tls_nginx"

local ca

setup(function() ca = pki.ca { name = "a CA of specs" } end)

local function config(server)
  return neap.config({ server.url }, ([[tls = { ca = %q }, keepalive = { connections = 0 },
    health = { type = "none" }, retry = { attempts = 1 },
    policy = { failed = function() return "fail" end } ]]):format(ca.pem_path))
end

local function server_with(certificate, protocols)
  return tls_nginx.start { certificate = certificate, protocols = protocols,
    tells = "[$ssl_session_reused]" }
end

describe("a session with a backend", function()
  it("is not resumed after a reload", function()
    local server = server_with(ca:issue { ips = { "127.0.0.1" } })
    local n = neap.start { config = config(server) }
    assert.equal("[.]", n:get("/").body)
    assert.equal("[r]", n:get("/").body)
    scope.write(n.dir .. "/config.lua", config(server) .. "\n")
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 20)
    assert.equal("[.]", n:get("/").body)
    assert.equal("[r]", n:get("/").body)
  end)

  -- Resumed while the certificate is good: on a slow machine its life must be longer.
  local function resumed(protocols, seconds)
    local certificate = ca:issue { ips = { "127.0.0.1" }, seconds = seconds }
    local n = neap.start { config = config(server_with(certificate, protocols)) }
    local first, second = n:get("/").body, n:get("/").body
    if os.time() >= certificate.not_after and seconds < 60 then
      return resumed(protocols, 3 * seconds)
    end
    assert.same({ "[.]", "[r]" }, { first, second })
    return n, certificate
  end

  it("ends with its certificate", function()
    for _, protocols in ipairs { "TLSv1.2", "TLSv1.3" } do
      local n, certificate = resumed(protocols, 4)
      eventually(function() return os.time() > certificate.not_after end, 80, "its end")
      assert.equal(502, n:get("/").status)
      n:wait_log "failed while connecting: the certificate expired on"
    end
  end)
end)
