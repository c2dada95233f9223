local eventually = require "support.eventually"
local mutual = require "support.mutual"
local neap = require "support.neap"
local pki = require "support.pki"
local s_client = require "support.s_client"
local scope = require "support.scope"

local HANDSHAKE_FAILURE, REVOKED, EXPIRED, UNKNOWN_CA, REQUIRED = 40, 44, 45, 48, 116
local VERSIONS = mutual.VERSIONS
local require_of = mutual.require_of

describe("tls.client", function()
  local service, root, middle, low, good, deep, stranger
  setup(function()
    service = mutual.new()
    root = pki.ca { name = "clients" }
    middle = pki.ca { name = "between", parent = root }
    low = pki.ca { name = "lower", parent = middle }
    good = root:issue { cn = "good", usage = "clientAuth" }
    deep = low:issue { cn = "deep" }
    stranger = pki.ca({ name = "others" }):issue { cn = "stranger" }
  end)

  local function start(client) return service:start(client) end
  local function ask(n, cert, version)
    return s_client.run { port = n.port, args = mutual.args(cert, version) }
  end
  -- TLS 1.3's client is done before the server has looked at its certificate.
  local function assert_refused(alert, n, cert, version)
    local r = ask(n, cert, version)
    assert.is_nil(r.status)
    assert.equal(alert, r.alert, r.log)
  end

  it("requires a certificate of its authorities", function()
    local n = start(require_of(root))
    for _, version in ipairs(VERSIONS) do
      local none = version == "-tls1_3" and REQUIRED or HANDSHAKE_FAILURE
      assert.equal(200, ask(n, good, version).status)
      assert_refused(none, n, nil, version)
      assert_refused(UNKNOWN_CA, n, stranger, version)
    end
    assert.truthy(ask(n, good).log:find "Acceptable client certificate CA names\nCN = clients")
    n:wait_log "the client shows no certificate"
  end)

  it("takes none with verify = \"request\", but none that does not verify", function()
    local n = start(('{ ca = %q, verify = "request" }'):format(root.pem_path))
    assert.equal(200, ask(n, nil).status)
    assert.equal(200, ask(n, good).status)
    assert_refused(UNKNOWN_CA, n, stranger)
    n:wait_log 'failed: [%w%s]+ %(subject "[^"]+", serial %x+%)'
  end)

  it("refuses what has expired or is for servers", function()
    local n = start(require_of(root))
    assert_refused(EXPIRED, n, root:issue { cn = "late", seconds = -60 })
    local r = ask(n, root:issue { cn = "server", usage = "serverAuth" })
    assert.is_nil(r.status)
    assert.is_number(r.alert)
  end)

  it("counts the authorities between leaf and root", function()
    assert.equal(200, ask(start(require_of(root)), deep).status)
    assert.equal(200, ask(start(require_of(root, "depth = 2")), deep).status)
    local r = ask(start(require_of(root, "depth = 1")), deep)
    assert.is_nil(r.status)
    assert.is_number(r.alert)
    assert.equal(200, ask(start(require_of(root, "depth = 0")), good).status)
  end)

  it("obeys a list of what was revoked", function()
    local ca = pki.ca { name = "with a list" }
    local lost, kept = ca:issue { cn = "lost" }, ca:issue { cn = "kept" }
    ca:revoke(lost)
    local crl = ca.dir .. "/crl.pem"
    scope.write(crl, ca:crl())
    local n = start(require_of(ca, ("crl = %q"):format(crl)))
    assert.equal(200, ask(n, kept).status)
    assert_refused(REVOKED, n, lost)
  end)

  it("lets nobody in by a list that has expired, and says so", function()
    local ca = pki.ca { name = "with an old list" }
    local crl = ca.dir .. "/crl.pem"
    scope.write(crl, ca:crl { seconds = -60 })
    local n = start(require_of(ca, ("crl = %q"):format(crl)))
    assert.equal(1, n:count_log "warn .*tls%.client%.crl: .*: this revocation list expired on")
    for _, version in ipairs(VERSIONS) do
      local r = ask(n, ca:issue { cn = "kept" }, version)
      assert.is_nil(r.status)
      assert.is_number(r.alert)
    end
    n:wait_log "CRL has expired"
    scope.write(crl, ca:crl())
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 20)
    eventually(function() return ask(n, ca:issue { cn = "again" }).status == 200 end, 15)
  end)

  it("needs a list of the authority that issued the certificate, of no other", function()
    local crl = middle.dir .. "/crl.pem"
    scope.write(crl, middle:crl())
    local n = start(require_of(root, ("crl = %q"):format(crl)))
    assert.equal(200, ask(n, middle:issue { cn = "below" }).status)
    assert_refused(UNKNOWN_CA, n, good)
  end)

  it("is refused with key and file, when a file is not what it should be", function()
    local junk = scope.directory() .. "/junk"
    scope.write(junk, "junk")
    for _, row in ipairs { { ('{ ca = %q, verify = "require" }'):format(junk), "ca" },
      { require_of(root, ("crl = %q"):format(junk)), "crl" } } do
      local code, said = neap.check(neap.config({ "http://127.0.0.1:1" }, service:tls(row[1])))
      assert.equal(1, code)
      assert.truthy(said:find(("tls.client.%s: %s: "):format(row[2], junk), 1, true), said)
    end
  end)
end)
