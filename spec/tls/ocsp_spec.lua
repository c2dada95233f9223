local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local s_client = require "support.s_client"
local scope = require "support.scope"

describe("an OCSP answer", function()
  local ca, stapled, bare
  setup(function()
    ca = pki.ca()
    stapled, bare = ca:issue { names = { "a.test" } }, ca:issue { names = { "b.test" } }
    stapled.ocsp_path = ca.dir .. "/answer"
    scope.write(stapled.ocsp_path, ca:ocsp(stapled))
  end)

  local function config(ocsp_path, cert)
    cert = cert or stapled
    local rows = ('{ certificate = %q, key = %q, ocsp = %q }, { certificate = %q, key = %q }')
      :format(cert.pem_path, cert.key_path, ocsp_path, bare.pem_path, bare.key_path)
    return neap.config({ origin.start { name = "web" } },
      ("tls = { certificates = { %s } }"):format(rows))
  end

  it("from a file is stapled to its certificate, for who asks", function()
    local n = neap.start { config = config(stapled.ocsp_path) }
    for _, version in ipairs { "-tls1_2", "-tls1_3" } do
      local function ask(name)
        return s_client.run { port = n.port, name = name,
          args = { version, "-status", "-CAfile", ca.pem_path } }
      end
      local r = ask "a.test"
      assert.equal(200, r.status)
      assert.truthy(r.log:find "OCSP Response Status: successful", r.log)
      assert.truthy(r.log:find "Cert Status: good")
      r = ask "b.test"
      assert.equal(200, r.status)
      assert.truthy(r.log:find "OCSP response: no response sent", r.log)
    end
    assert.is_nil(s_client.run({ port = n.port, name = "a.test" }).log:find "OCSP Response Status")
  end)

  it("that is none, or about another certificate, is refused with its key and file", function()
    local path = scope.directory() .. "/answer"
    for bytes, why in pairs { junk = "no OCSP answer", [ca:ocsp(bare)] = "another certificate" } do
      scope.write(path, bytes)
      local code, said = neap.check(config(path))
      assert.equal(1, code)
      assert.truthy(said:find("tls.certificates[1].ocsp: " .. path .. ": ", 1, true), said)
      assert.truthy(said:find(why, 1, true), said)
    end
  end)

  it("that says anything else than good is refused, too", function()
    local path, lost = scope.directory() .. "/answer", ca:issue { names = { "c.test" } }
    ca:revoke(lost)
    scope.write(path, ca:ocsp(lost))
    local code, said = neap.check(config(path, lost))
    assert.equal(1, code)
    assert.truthy(said:find("tls.certificates[1].ocsp: " .. path .. ": this OCSP answer does not "
      .. "say that the certificate is good, but \"revoked\"", 1, true), said)
  end)
end)
