local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local s_client = require "support.s_client"

local PROTOCOL_VERSION, HANDSHAKE_FAILURE = 70, 40

describe("versions and ciphers", function()
  local cert, rsa
  setup(function()
    cert = pki.self_signed { names = { "a.test" } }
    rsa = pki.self_signed { names = { "a.test" }, key = "rsa" }
  end)

  local function tls(more, of)
    of = of or cert
    return ("tls = { certificate = %q, key = %q, %s }"):format(of.pem_path, of.key_path, more or "")
  end
  local function start(more, of)
    return neap.start { config = neap.config({ origin.start { name = "web" } }, tls(more, of)) }
  end
  local function ask(n, ...) return s_client.run { port = n.port, args = { ... } } end

  it("are TLS 1.2 and 1.3 by default, and nothing older", function()
    local n = start()
    for _, version in ipairs { "1.2", "1.3" } do
      local r = ask(n, "-tls" .. version:gsub("%.", "_"))
      assert.equal("TLSv" .. version, r.version)
      assert.equal(200, r.status)
    end
    local r = ask(n, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    assert.is_false(r.ok)
    assert.equal(PROTOCOL_VERSION, r.alert, r.log)
  end)

  it("go from min_version to max_version", function()
    local only_3, only_2 = start 'min_version = "1.3"', start 'max_version = "1.2"'
    assert.equal("TLSv1.3", ask(only_3).version)
    assert.equal(PROTOCOL_VERSION, ask(only_3, "-tls1_2").alert)
    assert.equal("TLSv1.2", ask(only_2).version)
    assert.equal(PROTOCOL_VERSION, ask(only_2, "-tls1_3").alert)
  end)

  it("have forward secrecy and AEAD only, unless the config says otherwise", function()
    local n = start(nil, rsa)
    for _, weak in ipairs { "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA" } do
      local r = ask(n, "-tls1_2", "-cipher", weak)
      assert.is_false(r.ok)
      assert.equal(HANDSHAKE_FAILURE, r.alert, r.log)
    end
    for _, good in ipairs { "ECDHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-GCM-SHA256" } do
      assert.equal(good, ask(n, "-tls1_2", "-cipher", good).cipher)
    end
    n = start('ciphers = "AES128-GCM-SHA256", ciphersuites = "TLS_CHACHA20_POLY1305_SHA256"', rsa)
    assert.equal("AES128-GCM-SHA256", ask(n, "-tls1_2", "-cipher", "ALL").cipher)
    assert.equal("TLS_CHACHA20_POLY1305_SHA256", ask(n, "-tls1_3").cipher)
  end)

  it("leave the order to the client", function()
    local n = start()
    for _, first in ipairs { "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256" } do
      local others = "TLS_AES_256_GCM_SHA384"
      assert.equal(first, ask(n, "-tls1_3", "-ciphersuites", first .. ":" .. others).cipher)
    end
  end)

  it("have the groups of the config", function()
    assert.truthy(ask(start()).log:find "Server Temp Key: X25519")
    local n = start 'groups = "P-384"'
    assert.truthy(ask(n).log:find "Server Temp Key: ECDH, secp384r1") -- after a second hello
    assert.is_false(ask(n, "-groups", "X25519").ok)
  end)

  it("are refused by name when OpenSSL does not know them", function()
    for _, row in ipairs { { 'ciphers = "NONE-SUCH"', "ciphers" },
      { 'ciphersuites = "TLS_NONE"', "ciphersuites" }, { 'groups = "P-1"', "groups" },
      { 'groups = "P256"', 'groups: OpenSSL does not know "P256" (it is called "P-256"' } } do
      local code, said = neap.check(neap.config({ "http://127.0.0.1:1" }, tls(row[1])))
      assert.equal(1, code)
      assert.truthy(said:find("tls." .. row[2], 1, true), said)
    end
  end)
end)
