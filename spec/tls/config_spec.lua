local case = require "unit.config_case"
local neap = require "support.neap"
local pki = require "support.pki"
local scope = require "support.scope"

-- A literal of `tls` → what is said, after "config.lua: ".
local WRONG = {
  { "1", "tls: 1 is not a table (expected { certificate = …, key = … }, or false)" },
  { "{ certificate = 'a.pem', certificates = { 'b/' } }",
    "tls.certificates: both 'certificate' and 'certificates' are given (expected one of them)" },
  { "{ self_signed = true, certificate = 'a.pem' }", "tls.self_signed: both 'self_signed' and "
    .. "'certificate' are given (expected one of them)" },
  { "{ self_signed = true, certificates = { 'a/' } }", "tls.self_signed: both 'self_signed' and "
    .. "'certificates' are given (expected one of them)" },
  { "{ self_signed = true, acme = {} }", "tls.self_signed: both 'self_signed' and 'acme' are given "
    .. "(expected one of them)" },
  { "{ self_signed = true, key = 'a.key' }",
    "tls.key: there is no 'certificate' beside it (expected one)" },
  { "{ self_signed = true, ocsp = 'a.ocsp' }",
    "tls.ocsp: there is no 'certificate' beside it (expected one)" },
  { "{ certificate = 'folder/' }",
    "tls.certificate: 'folder/' is a folder (expected a file, or certificates = { 'folder/' })" },
  { "{ certificate = 5 }",
    "tls.certificate: 5 is not a path (expected a text of 1 to 1023 bytes)" },
  { "{ certificates = {} }",
    "tls.certificates: the list is empty (expected at least one certificate)" },
  { "{ certificates = 'folder/' }",
    "tls.certificates: 'folder/' is not a list (expected a list of certificates)" },
  { "{ certificates = { 'a.pem' } }", "tls.certificates[1]: 'a.pem' is not a folder (expected "
    .. "{ certificate = 'a.pem' }, or a folder, which ends in /)" },
  { "{ certificates = { 7 } }", "tls.certificates[1]: 7 is not a certificate (expected "
    .. "{ certificate = …, key = … }, or a folder like \"certs/\")" },
  { "{ certificates = { { key = 'a.key' } } }",
    "tls.certificates[1].certificate: missing (expected a text of 1 to 1023 bytes)" },
  { "{ certificates = { { certificate = 'a/' } } }", "tls.certificates[1].certificate: 'a/' is a "
    .. "folder (expected a file, or the folder as a text of its own)" },
  { "{ certificates = { { certificate = 'a', chain = 'b' } } }",
    "tls.certificates[1].chain: unknown key (known here: certificate, key, ocsp)" },
  { "{ self_signed = true, sni = 'any' }",
    "tls.sni: 'any' is not one of its words (expected \"first\" or \"strict\")" },
  { "{ self_signed = true, min_version = '1.1' }",
    "tls.min_version: '1.1' is not one of its words (expected \"1.2\" or \"1.3\")" },
  { "{ self_signed = true, min_version = 1.2 }",
    "tls.min_version: 1.2 is a number, and this is a text in quotes "
      .. "(expected \"1.2\" or \"1.3\")" },
  { "{ self_signed = true, min_version = '1.3', max_version = '1.2' }",
    "tls.min_version: 1.3 is above max_version, 1.2 (expected at most that)" },
  { "{ self_signed = true, client = {} }",
    "tls.client.ca: missing (expected a text of 1 to 1023 bytes)" },
  { "{ self_signed = true, client = { ca = 'a', verify = 'optional' } }", "tls.client.verify: "
    .. "'optional' is not one of its words (expected \"require\" or \"request\"); did you mean '" },
  { "{ self_signed = true, client = { ca = 'a', depth = -1 } }",
    "tls.client.depth: -1 is out of range (expected a whole number from 0 to 100)" },
  { "{ self_signed = true, tickets = {} }",
    "tls.tickets.keys: missing (expected a text of 1 to 1023 bytes)" },
  { "{ self_signed = true, ciphers = { 1 } }",
    "tls.ciphers: 1 is not a name (expected a text of 1 to 4095 bytes)" },
}

describe("tls of a service", function()
  it("says what is wrong with it", function()
    for _, entry in ipairs(WRONG) do
      local config, why = case.one("tls", entry[1])
      assert.is_nil(config)
      assert.truthy(why:find("config.lua: " .. entry[2], 1, true),
        ("%s: %s\nexpected %s"):format(entry[1], why, entry[2]))
    end
  end)

  local function listens(literal, tls, more)
    local text = "return { backends = { 'http://h' }, listen = %s, tls = %s, %s }"
    local config, why = case.load(text:format(literal, tls or "{ self_signed = true }", more or ""))
    return config and config.services[1].listens, why
  end

  it("holds for all addresses that do not say otherwise", function()
    assert.same({
      { address = "127.0.0.1:1", tls = true, proxy_protocol = true },
      { address = "127.0.0.1:2", tls = false, proxy_protocol = true },
      { address = "127.0.0.1:3", tls = true, proxy_protocol = false },
    }, listens("{ '127.0.0.1:1', { address = '127.0.0.1:2', tls = false }, "
      .. "{ address = '127.0.0.1:3', proxy_protocol = false } }", nil, "proxy_protocol = true"))
    assert.same({ { address = ":1", tls = false, proxy_protocol = false } },
      listens("{ address = 1, tls = false }", "false"))
  end)

  it("is needed by an address that asks for it, and needs such an address", function()
    local _, why = listens("{ ':1', { address = ':2', tls = true } }", "false")
    assert.equal("config.lua: listen[2].tls: the service has no certificates (expected tls = "
      .. "{ certificate = …, key = … } in it)", why)
    _, why = listens "{ address = ':1', tls = false }"
    assert.equal("config.lua: tls: no address of the service uses it (expected one in listen "
      .. "without tls = false)", why)
  end)

  it("makes paths that the config's folder is in front of", function()
    local config = case.one("tls", "{ certificates = { { certificate = 'a.pem', key = '/k' }, "
      .. "'b/' }, client = { ca = 'ca.pem' }, tickets = { keys = './t' } }")
    local tls = config.services[1].tls
    assert.same({ "a.pem", "/k", "b/" },
      { tls.certificates[1].certificate, tls.certificates[1].key, tls.certificates[2].certificate })
    assert.same({ "ca.pem", "t" }, { tls.client.ca, tls.tickets.keys })
  end)
end)

describe("tls beside a service's own backends", function()
  local function load(tls, backends)
    local text = "return { listen = '127.0.0.1:1', backends = { '%s' }, tls = %s }"
    local config, why = case.load(text:format(backends or "https://h", tls))
    assert.truthy(config, why)
    return config.services[1], config.pools[1].tls
  end

  it("is the service's in what clients see, whatever is for the pool", function()
    for name, literal in pairs { ca = "'ca.pem'", server_name = "'a.test'", verify = "false" } do
      for _, backend in ipairs { "https://h", "http://h" } do
        local text = ("{ certificate = 'a.pem', key = 'a.key', %s = %s }"):format(name, literal)
        local service, pool = load(text, backend)
        assert.is_true(service.listens[1].tls, text)
        assert.same({ "a.pem", "a.key" },
          { service.tls.certificates[1].certificate, service.tls.certificates[1].key })
        assert.equal(loadstring("return " .. literal)(), pool[name])
        assert.same({}, { pool.certificate, pool.key })
      end
    end
  end)

  it("is the pool's with keys of a pool only", function()
    local service, pool = load "{ verify = false, min_version = '1.3' }"
    assert.is_false(service.listens[1].tls)
    assert.is_false(service.tls)
    assert.same({ false, "1.3" }, { pool.verify, pool.min_version })
  end)

  it("is the service's with any other of its keys", function()
    local service, pool = load "{ self_signed = true, min_version = '1.3', ca = 'ca.pem' }"
    assert.is_true(service.listens[1].tls)
    assert.same({ "1.3", "1.2", "ca.pem" },
      { service.tls.min_version, pool.min_version, pool.ca })
  end)

  it("needs the certificate of a key, even if that was meant for the pool", function()
    local config, why = case.one("tls", "{ key = 'a.key', ca = 'ca.pem' }")
    assert.is_nil(config)
    assert.truthy(why:find("tls.key: there is no 'certificate' beside it", 1, true), why)
  end)

  it("brings a warning of what was taken for what, if all backends are TLS", function()
    local cert = pki.self_signed { names = { "a.test" } }
    local function check(backends, more)
      local code, output = neap.check(("return { listen = '127.0.0.1:0', backends = %s, tls = { "
        .. "certificate = 'a.pem', key = 'a.key', %s } }"):format(backends, more),
        { files = { ["a.pem"] = cert.pem, ["a.key"] = cert.key } })
      assert.equal(0, code, output)
      return output
    end
    local said = "tls: certificate and key are what clients get; ca, server_name and verify are "
      .. "for the backends"
    local output = check("{ 'https://h:1' }", "ca = 'a.pem'")
    assert.truthy(output:find(said, 1, true), output)
    assert.is_nil(check("{ 'https://h:1', 'http://h:2' }", "ca = 'a.pem'"):find(said, 1, true))
    assert.is_nil(check("{ 'https://h:1' }", ""):find(said, 1, true))
  end)
end)

describe("files that tls names", function()
  local function check(tls, files)
    local code, output = neap.check(
      "return { listen = '127.0.0.1:0', backends = { 'http://127.0.0.1:1' }, tls = " .. tls .. " }",
      { files = files })
    return output:gsub("%S*/config%.lua: ", "config: "), code
  end

  local function expect(output, text)
    assert.truthy(output:find(text, 1, true), output .. "\nexpected " .. text)
  end

  it("are all looked at, and what is wrong names key and file", function()
    local cert = pki.self_signed { names = { "a.test" } }
    local other = pki.self_signed { names = { "b.test" } }
    local output, code = check([[{ certificates = {
      { certificate = "none.pem", key = "a.key" }, { certificate = "a.pem", key = "other.key" },
      { certificate = "empty.pem", key = "a.key" }, { certificate = "a.pem" },
      "folder/" } }]], {
      ["a.pem"] = cert.pem, ["a.key"] = cert.key, ["other.key"] = other.key, ["empty.pem"] = "",
      ["folder/readme.txt"] = "nothing here",
    })
    assert.equal(1, code)
    expect(output, "config: tls.certificates[1].certificate: ")
    expect(output, "none.pem: cannot be opened: No such file or directory")
    expect(output, "config: tls.certificates[2].key: ")
    expect(output, "other.key: the key does not belong to the certificate")
    expect(output, "empty.pem: the file is empty")
    expect(output, "a.pem: no private key in it")
    expect(output, "config: tls.certificates[5]: ")
    expect(output, "folder/: no certificate is in this folder (expected NAME.pem, or NAME.crt with")
  end)

  it("of the wrong kind are told apart", function()
    local cert = pki.self_signed { names = { "a.test" } }
    local locked = pki.openssl({ "pkey", "-aes128", "-passout", "pass:secret" }, cert.key)
    local der = pki.openssl({ "x509", "-outform", "DER" }, cert.pem)
    local files = { ["a.pem"] = cert.pem, ["a.key"] = cert.key, ["locked.key"] = locked,
      ["a.der"] = der, ["noise.pem"] = "no certificate\n",
      ["a.p12"] = pki.openssl { "pkcs12", "-export", "-passout", "pass:", "-in", cert.pem_path,
        "-inkey", cert.key_path },
      ["der.key"] = pki.openssl({ "pkey", "-outform", "DER" }, cert.key),
      ["bad.pem"] = cert.pem:gsub("(CERTIFICATE%-+\n....................)....", "%1AAAA", 1),
      ["h2/a.crt"] = cert.pem }
    for literal, text in pairs {
      ['{ certificate = "a.pem", key = "locked.key" }'] = "locked.key: the private key has a "
        .. "passphrase, and nobody is asked for it",
      ['{ certificate = "a.der", key = "a.key" }'] = "a.der: this is DER (expected PEM",
      ['{ certificate = "a.p12" }'] = "a.p12: this is PKCS #12 (expected PEM: openssl pkcs12 -in",
      ['{ certificate = "a.pem", key = "der.key" }'] = "der.key: this is a private key in DER "
        .. "(expected PEM: openssl pkey -inform DER -in",
      ['{ certificate = "bad.pem", key = "a.key" }'] = "bad.pem: a certificate cannot be read: it "
        .. "is damaged",
      ['{ certificates = { "h2/" } }'] = "h2/a.key is missing (",
      ['{ certificate = "noise.pem", key = "a.key" }'] = "noise.pem: no certificate in it",
      ['{ certificates = { "none/" } }'] = "none/: cannot be opened: No such file or directory",
      ['{ certificate = "a.pem", key = "a.key", client = { ca = "no.pem" } }'] =
        "config: tls.client.ca: ",
      ['{ certificate = "a.pem", key = "a.key", groups = "X25519:P256" }'] =
        'config: tls.groups: OpenSSL does not know "P256" (it is called "P-256" there)',
      ['{ certificate = "a.pem", key = "a.key", ciphersuites = '
        .. '"TLS_AES_128_GCM_SHA256:TLS_AES_129" }'] =
        'config: tls.ciphersuites: OpenSSL does not know "TLS_AES_129"',
      ['{ certificate = "a.pem", key = "a.key", ciphers = "HIGH:!aNUL" }'] =
        'config: tls.ciphers: OpenSSL does not know "aNUL"',
      ['{ certificate = "a.pem", key = "a.key", ciphers = "ECDHE+AESGCN:HIGH" }'] =
        'config: tls.ciphers: OpenSSL does not know "AESGCN"',
      ['{ certificate = "a.pem", key = "a.key", ciphers = "NONE-SUCH" }'] = "config: tls.ciphers",
    } do
      expect(check(literal, files), text)
    end
  end)

  it("are served with a warning when a date has passed or is near", function()
    local function with(options)
      options.names = { "a.test" }
      local cert = pki.self_signed(options)
      return check('{ certificate = "a.pem" }', { ["a.pem"] = cert.pem .. cert.key })
    end
    local output, code = with { seconds = -3600 }
    assert.equal(0, code, output)
    assert.matches("config: tls%.certificate: %S*a%.pem: this certificate expired on "
      .. "%d%d%d%d%-%d%d%-%d%d .*it is served", output)
    assert.matches("a%.pem: this certificate expires on .*, in 3 days",
      (with { seconds = 3.5 * 86400 }))
    assert.not_matches("this certificate", (with { days = 30 }))
  end)

  it("may be lists with operators, and with ciphers of the past", function()
    for _, ciphers in ipairs { "HIGH:!aNULL:!MD5:!RC4:!3DES:!EXPORT", "EECDH+AESGCM:EDH+AESGCM",
      "DEFAULT:@SECLEVEL=2", "ECDHE+AES:-SHA1:+AES256:@STRENGTH" } do
      local output, code = check(('{ self_signed = true, ciphers = "%s" }'):format(ciphers))
      assert.equal(0, code, ciphers .. ": " .. output)
    end
  end)

  it("warn when a list of revoked certificates has ended, or ends within three days", function()
    local ca = pki.ca {}
    local function with(days)
      return check('{ self_signed = true, client = { ca = "ca.pem", crl = "ca.crl" } }',
        { ["ca.pem"] = ca.pem, ["ca.crl"] = ca:crl { days = days } })
    end
    local output, code = with(2)
    assert.equal(0, code, output)
    assert.matches("config: tls%.client%.crl: %S*ca%.crl: this revocation list expires on %d+%-",
      output)
    assert.not_matches("revocation list", (with(10)))
  end)

  it("do not show what is in them, whatever is wrong", function()
    local cert = pki.self_signed { names = { "a.test" } }
    local body = cert.key:match "KEY%-%-%-%-%-\n([^\n]+)"
    local output = check('{ certificate = "a.pem", key = "a.key" }',
      { ["a.pem"] = cert.key, ["a.key"] = cert.key .. "more" })
    assert.is_nil(output:find(body, 1, true))
    assert.not_matches("BEGIN PRIVATE KEY%-%-%-%-%-\n", output)
  end)
end)

describe("a key that everybody may read", function()
  it("brings a warning", function()
    local cert = pki.self_signed { names = { "a.test" } }
    local dir = scope.directory()
    scope.write(dir .. "/a.pem", cert.pem)
    scope.write(dir .. "/a.key", cert.key)
    require("posix.sys.stat").chmod(dir .. "/a.key", tonumber("644", 8))
    scope.write(dir .. "/config.lua", "return { listen = '127.0.0.1:0', backends = { 'http://h' }, "
      .. "tls = { certificate = 'a.pem', key = 'a.key' } }")
    local code, output = neap.check { path = dir .. "/config.lua" }
    assert.equal(0, code)
    assert.matches("config%.lua: tls%.key: %S*a%.key: anybody on this machine may "
      .. "read this private key", output)
    assert.not_matches("a%.pem: anybody", output)
  end)
end)
