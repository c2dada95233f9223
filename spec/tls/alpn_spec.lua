local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local s_client = require "support.s_client"

local NO_APPLICATION_PROTOCOL = 120

describe("ALPN", function()
  local cert
  setup(function() cert = pki.self_signed { names = { "a.test" } } end)

  local function start()
    return neap.start {
      config = neap.config({ origin.start { name = "web" } },
        ("tls = { certificate = %q, key = %q }"):format(cert.pem_path, cert.key_path)),
    }
  end

  it("agrees on http/1.1, also among others", function()
    local n = start()
    for _, offered in ipairs { "http/1.1", "spdy/3,http/1.1" } do
      local r = s_client.run { port = n.port, args = { "-alpn", offered } }
      assert.equal("http/1.1", r.alpn)
      assert.equal(200, r.status)
    end
  end)

  it("serves who offers none", function()
    local r = s_client.run { port = start().port }
    assert.is_nil(r.alpn)
    assert.equal(200, r.status)
  end)

  it("refuses who has none in common", function()
    local n = start()
    for _, version in ipairs { "-tls1_2", "-tls1_3" } do
      local r = s_client.run { port = n.port, args = { version, "-alpn", "smtp,acme-tls/1" } }
      assert.is_false(r.ok)
      assert.equal(NO_APPLICATION_PROTOCOL, r.alert, r.log)
    end
    n:wait_log "offers no protocol %(ALPN%) that we have"
  end)
end)
