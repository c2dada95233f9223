-- Checks of backends over TLS do the handshake and verify, whatever their type.

local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local tls_nginx = require "support.tls_nginx"

local ca, well, late

setup(function()
  ca = pki.ca()
  well = tls_nginx.start { certificate = ca:issue { ips = { "127.0.0.1" } }, tells = "well" }
  late = tls_nginx.start {
    certificate = ca:issue { ips = { "127.0.0.1" }, seconds = -60 }, tells = "late" }
end)

local function start(backends, health, more)
  return neap.start {
    config = neap.config(backends, ('tls = { ca = "%s" }, health = { %s, interval = 0.2 } %s')
      :format(ca.pem_path, health, more or "")),
    files = { ["policy.lua"] = [[
      local neap = require "neap"
      return { check = neap.check.tcp { tls = true, timeout = 5 } }]] },
  }
end

local function expect_dead(n, url)
  local address = url:match "//(.*)$":gsub("%p", "%%%0")
  n:wait_log("Unreachable to " .. address .. ", error:the certificate expired on", 10)
end

describe("a check of a backend over TLS", function()
  for _, health in ipairs { 'type = "tcp"', 'type = "http"', 'type = "https"' } do
    it("verifies: " .. health, function()
      local n = start({ late.url, well.url }, health)
      expect_dead(n, late.url)
      for _ = 1, 4 do assert.equal("well", n:get("/").body) end
    end)
  end

  it("may be a hook's: neap.check.tcp with tls", function()
    local n = start({ late.url, well.url }, 'type = "tcp"', ', policy = "policy.lua"')
    expect_dead(n, late.url)
  end)

  it("knows what does not speak TLS, and may leave it out", function()
    local plain = origin.start { name = "plain", connection = function(conn)
      if conn:read_some() then conn:send "HTTP/1.0 400 Bad Request\r\n\r\n" end
    end }
    local n = start({ "https://" .. plain.address }, 'type = "tcp"')
    n:wait_log("Unreachable to [%d.:]+, error:what the peer sent is not TLS", 10)
    local other = start({ "https://" .. plain.address }, 'type = "tcp", tls = false')
    assert.equal(502, other:get("/").status)
  end)
end)
