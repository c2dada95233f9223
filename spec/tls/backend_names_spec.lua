-- For whom a backend's certificate must be.

local neap = require "support.neap"
local pki = require "support.pki"
local tls_nginx = require "support.tls_nginx"

local ca

setup(function() ca = pki.ca { name = "a CA of specs" } end)

local function serve(options) return tls_nginx.start { certificate = ca:issue(options) } end

-- The status of a request to each backend alone, and the log.
local function ask(url, tls)
  local n = neap.start { config = neap.config({ url },
    ('tls = { ca = "%s" %s }, health = { type = "none" }'):format(ca.pem_path, tls or "")) }
  return n:get("/").status, n:log():match "failed while connecting: ([^\n]*)"
end

describe("a backend's certificate", function()
  it("is for its host, an address by iPAddress", function()
    local server = serve { ips = { "127.0.0.1" } }
    assert.equal(200, (ask(server.url)))
    local named = serve { names = { "127.0.0.1" } }
    local status, why = ask(named.url)
    assert.same({ 502, "the certificate is for other names: 127.0.0.1" }, { status, why })
  end)

  it("is for its host, a name by dNSName, and never by its common name", function()
    local server = serve { names = { "localhost" } }
    assert.equal(200, (ask("https://localhost:" .. server.port)))
    local old = serve { cn = "localhost" }
    local status, why = ask("https://localhost:" .. old.port)
    assert.same({ 502, "the certificate has no names (subjectAltName)" }, { status, why })
  end)

  it("may have a wildcard for one label", function()
    local server = serve { names = { "*.b.test" } }
    assert.equal(200, (ask(server.url, ', server_name = "x.b.test"')))
    assert.equal(502, (ask(server.url, ', server_name = "x.y.b.test"')))
    assert.equal(502, (ask(server.url, ', server_name = "b.test"')))
  end)

  -- OpenSSL takes ".b.test" for all that ends so.
  it("is never for all names that end alike", function()
    for _, name in ipairs { ".b.test", "*.b.test", "b..test", "b.test:443", "" } do
      for _, more in ipairs { 'tls = { server_name = "%s" }',
        'backends = { { url = "https://127.0.0.1:1", server_name = "%s" } }' } do
        local code, out = neap.check(('return { backends = { "https://127.0.0.1:1" }, %s }')
          :format(more:format(name)))
        assert.equal(1, code, out)
        assert.matches("server_name: ", out, 1, true)
      end
    end
    for _, name in ipairs { "b.test.", "a_b", "192.0.2.1", "2001:db8::1" } do
      local code, out = neap.check(('return { backends = { "https://127.0.0.1:1" }, '
        .. 'tls = { server_name = "%s" } }'):format(name))
      assert.equal(0, code, out)
    end
  end)

  it("is for the backend's own server_name, if it has one", function()
    local server = serve { names = { "own.test" } }
    local n = neap.start { config = ([[return { listen = "127.0.0.1:0", workers = 1,
      backends = { { url = "%s", server_name = "own.test" } },
      tls = { ca = "%s", server_name = "pool.test" }, health = { type = "none" } }]])
      :format(server.url, ca.pem_path) }
    assert.equal(200, n:get("/").status)
  end)

  it("is not looked at with verify = false, of which neap -t warns", function()
    local server = serve { names = { "other.test" }, seconds = -60 }
    assert.equal(200, (ask(server.url, ", verify = false")))
    local _, out = neap.check(neap.config({ server.url }, "tls = { verify = false }"))
    assert.matches("tls.verify", out, 1, true)
  end)

  it("must come from a CA that the pool trusts", function()
    local stranger = pki.ca { name = "a stranger" }
    local server = tls_nginx.start { certificate = stranger:issue { ips = { "127.0.0.1" } } }
    local status, why = ask(server.url)
    assert.same({ 502, 'unknown CA: "a stranger"' }, { status, why })
  end)

  it("is asked for in the newest version only, if the pool says so", function()
    local server = tls_nginx.start { certificate = ca:issue { ips = { "127.0.0.1" } },
      protocols = "TLSv1.2" }
    assert.equal(200, (ask(server.url)))
    assert.equal(502, (ask(server.url, ', min_version = "1.3"')))
  end)
end)
