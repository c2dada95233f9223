local example = require "support.example"
local origin = require "support.origin"
local pki = require "support.pki"
local s_client = require "support.s_client"
local scope = require "support.scope"

describe("example mutual-tls", function()
  local web, n
  before_each(function()
    web = origin.start {}
    n = example.start("mutual-tls", { [8081] = web })
  end)

  local function certificate(name)
    local dir = scope.directory()
    local key, csr, pem, ext = dir .. "/key", dir .. "/csr", dir .. "/pem", dir .. "/ext"
    pki.openssl { "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
      "/CN=x", "-keyout", key, "-out", csr }
    scope.write(ext, "subjectAltName=DNS:" .. name)
    pki.openssl { "x509", "-req", "-in", csr, "-CA", "examples/mutual-tls/ca.pem", "-CAkey",
      "examples/mutual-tls/ca.key", "-extfile", ext, "-out", pem }
    return { "-cert", pem, "-key", key }
  end

  local function ask(method, args)
    return s_client.run {
      port = n.port, args = args,
      request = method .. " / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    }
  end

  it("lets those with a name in .ops.example do everything", function()
    local anna = certificate "anna.ops.example"
    assert.equal(200, ask("GET", anna).status)
    assert.equal(200, ask("DELETE", anna).status)
    local headers = web:requests()[2].headers
    assert.equal("anna.ops.example", headers["x-client"])
    assert.matches("^:[%w+/=]+:$", headers["client-cert"])
  end)

  it("lets others read, and nobody in without a certificate", function()
    local ben = certificate "ben.sales.example"
    assert.equal(200, ask("GET", ben).status)
    assert.equal(403, ask("DELETE", ben).status)
    assert.is_nil(ask("GET").status)
  end)
end)
