-- What logs, stories and recordings tell of TLS: of clients, and of backends that nobody can trust.

local admin = require "support.admin"
local cjson = require "cjson"
local client = require "support.client"
local eventually = require "support.eventually"
local header = require "support.proxy_header"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local proxied = require "support.proxied"
local replay = require "support.replay"
local s_client = require "support.s_client"
local scope = require "support.scope"
local tls_nginx = require "support.tls_nginx"

local JSON = 'access_log = { target = "access.log", format = "json" },'

local ca, server, alice
setup(function()
  ca = pki.ca { name = "people" }
  server = ca:issue { names = { "a.test" }, ips = { "127.0.0.1" } }
  alice = ca:issue { cn = "alice", names = { "alice.test" } }
end)

local function tls()
  return ("tls = { certificate = %q, key = %q, client = { ca = %q, verify = 'request' } },")
    :format(server.chain_path, server.key_path, ca.pem_path)
end

-- The lines of the access log, when there are so many.
local function lines(n, count)
  return eventually(function()
    local all = {}
    for line in scope.read(n.dir .. "/access.log"):gmatch "([^\n]*)\n" do
      table.insert(all, line)
    end
    return #all >= count and all
  end)
end

local function as_alice(n, args)
  local all = { "-cert", alice.pem_path, "-key", alice.key_path }
  for _, word in ipairs(args or {}) do table.insert(all, word) end
  local r = s_client.run { port = n.port, name = "a.test", args = all }
  assert.equal(200, r.status, r.log)
end

local function fingerprint()
  local said = pki.openssl { "x509", "-in", alice.pem_path, "-noout", "-fingerprint", "-sha256" }
  return (said:match "ingerprint=([%x:]+)":gsub(":", ""):lower())
end

local function check_alice(told)
  assert.same({ "TLSv1.3", "a.test", "http/1.1", false }, { told.version, told.sni, told.alpn,
    told.resumed })
  assert.matches("^TLS_AES", told.cipher)
  assert.matches("^t13d%d%d%d%dh1_%x+_%x+$", told.ja4)
  assert.same({ subject = "CN=alice", fingerprint = fingerprint(), verified = true }, told.client)
end

describe("of a client's TLS", function()
  it("the access log tells, as JSON, and not of what came in the clear", function()
    local n = neap.start { config = ([[return { %s
      services = { { listen = { "127.0.0.1:0", { address = "127.0.0.1:0", tls = false } },
        backends = { %q }, health = { type = "none" }, %s } } }]])
      :format(JSON, origin.start({}).url, tls()) }
    as_alice(n, { "-alpn", "http/1.1" })
    client.get(n.addresses[2], "/")
    local all = lines(n, 2)
    check_alice(cjson.decode(all[1]).tls)
    assert.is_nil(cjson.decode(all[2]).tls)
  end)

  it("the access log tells in a tcp service, and the combined format never", function()
    local echo = origin.start { connection = function(conn) conn:send(conn:read_some()) end }
    local n = neap.start { config = ([[return { mode = "tcp", listen = "127.0.0.1:0", %s
      health = { type = "none" }, backends = { "tcp://%s" }, %s }]])
      :format(tls(), echo.address, JSON) }
    s_client.run { port = n.port, name = "a.test", args = { "-tls1_2" } }
    assert.equal("TLSv1.2", cjson.decode(lines(n, 1)[1]).tls.version)
    n = proxied.before({ origin.start {} }, tls()
      .. 'access_log = { target = "access.log", format = "combined" }')
    as_alice(n)
    assert.matches('^127%.0%.0%.1 .- "%-" "%-"$', lines(n, 1)[1])
  end)

  it("the access log tells what a balancer in front says, whatever it says", function()
    local n = proxied.before({ origin.start {} }, JSON .. "proxy_protocol = true")
    local c = client.connect(n.address)
    c:send(header.of { items = header.ssl { client = 3, version = ("\255"):rep(900), cn = 'a"b' } }
      .. "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert.equal(200, c:read_response().status)
    local told = cjson.decode(lines(n, 1)[1]).tls
    assert.equal(("\195\191"):rep(900), told.version)
    assert.same({ subject = 'CN=a\\"b', verified = true }, told.client)
  end)

  it("explain tells", function()
    local n = admin.start({ origin.start {} }, tls() .. "explain = { sample = 1 }")
    as_alice(n, { "-alpn", "http/1.1" })
    local story = eventually(function()
      local r = client.get(n.admin, "/explain")
      return r.status == 200 and cjson.decode(r.body).stories[1]
    end)
    check_alice(story.tls)
    local _, out = neap.run { "explain", "--admin", n.admin }
    assert.matches("\n  by TLSv1.3 TLS_AES_%w+ for a.test, http/1.1, client CN=alice %(verified%), "
      .. "JA4 t13d", (out:gsub("AES_[%w_]+", "AES_X")))
  end)

  it("a recording tells, and replay asks the policy with it", function()
    local n = replay.start({ origin.start { name = "b1" }, origin.start { name = "b2" } },
      tls() .. "policy = { pick = function(r, pool) return r.tls and pool[1] or pool[2] end }")
    local path = replay.record(n, { "--count", 1 }, function()
      as_alice(n, { "-alpn", "http/1.1" })
    end)
    local told = replay.lines(path).requests[1].request.tls
    assert.same({ "CN=alice", "CN=people", { "alice.test" }, alice.not_after, true },
      { told.client.subject, told.client.issuer, told.client.names, told.client.not_after,
        told.client.verified })
    told.client = { subject = told.client.subject, fingerprint = told.client.fingerprint,
      verified = told.client.verified }
    check_alice(told)
    local result = replay.json(path, [[return { pick = function(r, pool)
      assert(r.scheme == "https" and r.tls.sni == "a.test" and r.tls.client.names[1] == "alice.test"
        and r.tls.client.verified and r.tls.alpn == "http/1.1")
      return pool[1]
    end }]])
    assert.same({ 1, 0, 0 }, { result.decisions, result.different, result.errors.count })
  end)
end)

describe("of a backend that cannot be trusted", function()
  it("access log, explain and metrics tell the words of the failure", function()
    local late = tls_nginx.start { tells = "late",
      certificate = ca:issue { ips = { "127.0.0.1" }, seconds = -60 } }
    local well = tls_nginx.start { certificate = server, tells = "well" }
    local n = admin.start({ late.url, well.url }, JSON .. ([[tls = { ca = %q }, policy = "first",
      explain = { sample = 0 }]]):format(ca.pem_path))
    assert.equal("well", n:get("/").body)
    local words = "the certificate expired on "
    local line = cjson.decode(lines(n, 1)[1])
    assert.same({ 200, 2, "connect", "tls" }, { line.status, line.attempts, line.failure.stage,
      line.failure.kind })
    assert.matches("^" .. words, line.failure.message)
    local story = eventually(function()
      return cjson.decode(client.get(n.admin, "/explain").body).stories[1]
    end)
    assert.same({ "connect", "tls" }, { story.steps[1].stage, story.steps[1].kind })
    local _, out = neap.run { "explain", "--admin", n.admin }
    assert.matches("attempt 1 on %S+ failed: " .. words .. "%S+ %(connect, tls%); it may be sent",
      out)
  end)
end)
