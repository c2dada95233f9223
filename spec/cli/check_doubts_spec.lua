-- neap -t tells of settings that are allowed, but of no use, or that do not go together.
local neap = require "support.neap"

local function check(config, files)
  local all = files or {}
  all["config.lua"] = "return { " .. config .. " }"
  return neap.run({ "-t", "-c", "config.lua" }, { files = all, limit = 30 })
end

local function stderr_of(config, files)
  local code, stdout, stderr = check(config, files)
  assert.equal("config.lua: ok\n", stdout, stderr)
  assert.equal(0, code)
  return stderr
end

local function pool(lines)
  return ([[services = { { listen = "127.0.0.1:1", pool = "p" } }, pools = { p = { %s } }]])
    :format(lines)
end

local PLAIN, TLS = 'backends = { "http://127.0.0.1:2" }, ', 'backends = { "https://127.0.0.1:2" }, '

describe("neap check", function()
  it("warns of http2 with send_proxy", function()
    assert.matches("pools%.p%.http2: backends with send_proxy are spoken to in HTTP/1%.1",
      stderr_of(pool(PLAIN .. "http2 = true, send_proxy = 2")))
  end)

  it("warns of gRPC checks where requests go out in HTTP/1.1", function()
    local grpc = 'health = { type = "grpc" }'
    assert.matches("expected pools%.p%.http2 = true", stderr_of(pool(PLAIN .. grpc)))
    assert.matches("expected a pool in pools, with http2 = true there",
      stderr_of('listen = "127.0.0.1:1", http2 = true, ' .. PLAIN .. grpc))
    assert.equal("", stderr_of(pool(PLAIN .. "http2 = true, " .. grpc)))
  end)

  it("warns of TLS settings for backends that speak none", function()
    assert.matches("pools%.p%.tls: its verify and ca .- there are none",
      stderr_of(pool(PLAIN .. "tls = { verify = false }")))
    local over_tls = 'tls = { verify = false }, health = { type = "https" }'
    local checked = stderr_of(pool(PLAIN .. over_tls))
    assert.not_matches("there are none", checked)
    assert.equal("", stderr_of(pool(TLS .. 'tls = { server_name = "a.test" }')))
  end)

  it("warns of a hook certificate that is never asked", function()
    local files = { ["policy.lua"] = "return { certificate = function() end }" }
    assert.matches("policy: its hook certificate is never asked: the service has no tls",
      stderr_of('listen = "127.0.0.1:1", policy = "policy.lua", ' .. PLAIN, files))
  end)

  it("says where http2 = \"auto\" belongs", function()
    local code, _, stderr = check('listen = "127.0.0.1:1", http2 = "auto", ' .. PLAIN)
    assert.equal(1, code)
    assert.matches('for HTTP/2 to the backends: pools%.<name>%.http2 = "auto"', stderr)
  end)
end)
