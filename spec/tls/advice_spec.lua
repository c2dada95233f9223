-- What `neap -t` and the start say about settings of TLS that are of no use to anybody.

local neap = require "support.neap"
local pki = require "support.pki"

local function check(text, files)
  local code, output = neap.check("return { listen = '127.0.0.1:0', " .. text .. " }",
    { files = files })
  return output:gsub("%S*/config%.lua: ", "config: "), code
end

local function expect(output, ...)
  for _, text in ipairs { ... } do
    assert.truthy(output:find(text, 1, true), output .. "\nexpected " .. text)
  end
end

local function served(tls, files)
  local output, code = check("backends = { 'http://127.0.0.1:1' }, tls = " .. tls, files)
  assert.equal(0, code, output)
  return output
end

local function refused(tls, files)
  local output, code = check("backends = { 'http://127.0.0.1:1' }, tls = " .. tls, files)
  assert.equal(1, code, output)
  return output
end

describe("a certificate", function()
  local function with(usage)
    local cert = pki.self_signed { names = { "a.test" }, usage = usage }
    return served('{ certificate = "a.pem" }', { ["a.pem"] = cert.pem .. cert.key })
  end

  it("that is not for servers is served with a warning", function()
    expect(with "clientAuth", "config: tls.certificate: ", "a.pem: this certificate is not for "
      .. "servers (extendedKeyUsage has no serverAuth); it is shown, but clients refuse it")
    for _, usage in ipairs { "serverAuth", "clientAuth,serverAuth", "anyExtendedKeyUsage" } do
      assert.not_matches("not for servers", with(usage))
    end
    assert.not_matches("not for servers", with(nil))
  end)

  it("that a pool shows must be for clients", function()
    local function pool(usage)
      local cert = pki.self_signed { names = { "a.test" }, usage = usage }
      local output, code = check("pool = 'p', pools = { p = { backends = { 'https://h:1' }, "
        .. "tls = { certificate = 'a.pem' } } }", { ["a.pem"] = cert.pem .. cert.key })
      assert.equal(0, code, output)
      return output
    end
    expect(pool "serverAuth", "config: pools.p.tls.certificate: ", "a.pem: this certificate is not "
      .. "for clients (extendedKeyUsage has no clientAuth); it is shown, but backends refuse it")
    assert.not_matches("not for clients", pool "clientAuth")
  end)

  it("whose names are all taken is shown to nobody", function()
    local first = pki.self_signed { names = { "a.test", "b.test" } }
    local second = pki.self_signed { names = { "b.test" } }
    local rsa = pki.self_signed { names = { "b.test" }, key = "rsa" }
    local third = pki.self_signed { names = { "b.test", "c.test" } }
    local output = served([[{ certificates = { { certificate = "1.pem" }, { certificate = "2.pem" },
      { certificate = "rsa.pem" }, { certificate = "3.pem" } } }]], {
      ["1.pem"] = first.pem .. first.key, ["2.pem"] = second.pem .. second.key,
      ["rsa.pem"] = rsa.pem .. rsa.key, ["3.pem"] = third.pem .. third.key })
    expect(output, "config: tls.certificates[2].certificate: ",
      "2.pem: certificates before it have each of its names: it is shown to nobody")
    local _, count = output:gsub("shown to nobody", "")
    assert.equal(1, count, output)
  end)
end)

describe("ciphers", function()
  local ec, rsa
  setup(function()
    ec = pki.self_signed { names = { "a.test" } }
    rsa = pki.self_signed { names = { "a.test" }, key = "rsa" }
  end)

  it("that go with no certificate bring a warning", function()
    local function with(cert, more)
      return served(('{ certificate = "a.pem", %s }'):format(more),
        { ["a.pem"] = cert.pem .. cert.key })
    end
    local only_ec = 'ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"'
    local only_rsa = 'ciphers = "ECDHE-RSA-AES128-GCM-SHA256"'
    expect(with(rsa, only_ec), "config: tls.ciphers: none of them goes with a certificate of this "
      .. "service (RSA): clients of TLS 1.2 are refused")
    expect(with(ec, only_rsa), "certificate of this service (ECDSA)")
    assert.not_matches("none of them goes", with(rsa, only_rsa))
    assert.not_matches("none of them goes", with(ec, only_ec))
    assert.not_matches("none of them goes", with(rsa, only_ec .. ', min_version = "1.3"'))
    assert.not_matches("none of them goes", with(rsa, ""))
  end)

  it("and ciphersuites that are taken for each other are told so", function()
    local self = "{ self_signed = true, %s }"
    expect(refused(self:format 'ciphers = "TLS_AES_128_GCM_SHA256"'),
      'config: tls.ciphers: "TLS_AES_128_GCM_SHA256" is no name for this key: it is of TLS 1.3 and '
        .. "belongs into ciphersuites")
    expect(refused(self:format 'ciphersuites = "ECDHE-RSA-AES128-GCM-SHA256"'),
      'config: tls.ciphersuites: "ECDHE-RSA-AES128-GCM-SHA256" is no name for this key: it is of '
        .. "TLS 1.2 and belongs into ciphers")
    expect(refused(self:format 'ciphersuites = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"'),
      "it is of TLS 1.2 and belongs into ciphers")
    expect(refused(self:format 'ciphers = "HIGH:TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"'),
      'it is called "ECDHE-RSA-AES128-GCM-SHA256" there')
    expect(refused(self:format 'ciphersuites = "TLS_AES_129_GCM_SHA256"'),
      'config: tls.ciphersuites: OpenSSL does not know "TLS_AES_129_GCM_SHA256"')
  end)
end)

describe("authorities", function()
  local root, middle, leaf
  setup(function()
    root = pki.ca { name = "a root" }
    middle = pki.ca { name = "between", parent = root }
    leaf = middle:issue { cn = "a leaf" }
  end)

  local function clients(pem)
    return served('{ self_signed = true, client = { ca = "ca.pem" } }', { ["ca.pem"] = pem })
  end

  it("that let nobody in bring a warning", function()
    expect(clients(middle.pem), "config: tls.client.ca: ", 'ca.pem: the certificate "between" is '
      .. "no root, and its issuer is not in this file: nobody is trusted because of it (expected "
      .. "the root as well)")
    expect(clients(leaf.pem), 'ca.pem: the certificate "a leaf" is no authority '
      .. "(basicConstraints), and nobody is trusted because of it")
    expect(clients(pki.self_signed({ cn = "one" }).pem), 'ca.pem: the certificate "one" is no '
      .. "authority (basicConstraints): only who shows this very certificate is trusted")
    for _, pem in ipairs { root.pem, middle.pem .. root.pem, root.pem .. middle.pem } do
      assert.not_matches("the certificate \"", clients(pem))
    end
  end)

  it("in an encrypted text are refused, and nobody is asked for a passphrase", function()
    local locked = root.pem:gsub("(BEGIN CERTIFICATE%-+\n)",
      "%1Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC," .. ("0F"):rep(16) .. "\n\n")
    expect(refused('{ self_signed = true, client = { ca = "ca.pem" } }', { ["ca.pem"] = locked }),
      "ca.pem: a certificate cannot be read: it is encrypted, and a passphrase is never asked for")
  end)

  it("of a pool are looked at as well", function()
    local output, code = check("pool = 'p', pools = { p = { backends = { 'https://h:1' }, "
      .. "tls = { ca = 'ca.pem' } } }", { ["ca.pem"] = middle.pem })
    assert.equal(0, code, output)
    expect(output, "config: pools.p.tls.ca: ", "is no root, and its issuer is not in this file")
  end)
end)
