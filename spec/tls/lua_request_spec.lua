-- What policies see of a client's TLS that is ended here, and what backends get of it.

local cjson = require "cjson"
local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local s_client = require "support.s_client"

local TELLS = [[policy = { request = function(r)
  local neap = require "neap"
  local t = r.tls
  if not t then return neap.reply { body = "nil" } end
  local c = t.client
  return neap.reply { body = neap.json.encode {
    version = t.version, cipher = t.cipher, sni = t.sni, alpn = t.alpn, resumed = t.resumed,
    ja4 = t.ja4, scheme = r.scheme, client = c and { subject = c.subject, issuer = c.issuer,
      serial = c.serial, names = c.names, fingerprint = c.fingerprint, not_after = c.not_after,
      verified = c.verified, error = c.error },
  } }
end }]]

describe("request.tls", function()
  local ca, server, alice
  setup(function()
    ca = pki.ca { name = "people" }
    server = ca:issue { names = { "a.test" } }
    alice = ca:issue { cn = "alice", names = { "Alice.Team.test", "alice" }, ips = { "10.1.2.3" } }
  end)

  local function tls(more)
    return ("tls = { certificate = %q, key = %q, %s },"):format(server.chain_path, server.key_path,
      more or "")
  end

  local function start(options)
    local web = origin.start {}
    return neap.start { config = neap.config({ web }, options) }, web
  end

  local function facts(n, args, path)
    local r = s_client.run { port = n.port, name = "A.test.", args = args, path = path }
    assert.equal(200, r.status, r.log)
    return cjson.decode(r.body:match "%b{}"), r
  end

  it("says what was agreed on, and what the client asked for", function()
    local n = start(tls() .. TELLS)
    local t = facts(n, { "-alpn", "http/1.1" })
    assert.equal("TLSv1.3", t.version)
    assert.matches("^TLS_AES", t.cipher)
    assert.equal("a.test", t.sni)
    assert.equal("http/1.1", t.alpn)
    assert.is_false(t.resumed)
    assert.equal("https", t.scheme)
    assert.is_nil(t.client)
    assert.matches("^t13d%d%d%d%dh1_%x+_%x+$", t.ja4)
    local odd = s_client.run { port = n.port, name = "odd.test\r\nX-Odd: yes\27[31m\255" }
    assert.is_nil(cjson.decode(odd.body:match "%b{}").sni, odd.log)
    t = facts(n, { "-tls1_2" })
    assert.equal("TLSv1.2", t.version)
    assert.is_nil(t.alpn)
    assert.matches("^t12d%d%d%d%d00_%x+_%x+$", t.ja4)
  end)

  it("is nil in the clear", function()
    local n = neap.start {
      config = ([[return { listen = { { address = "127.0.0.1:0", tls = false }, "127.0.0.1:0" },
        backends = { "http://127.0.0.1:1" }, health = { type = "none" }, %s %s }]])
        :format(tls(), TELLS),
    }
    assert.equal("nil", n:get("/").body)
  end)

  it("tells who the client is, when it shows a certificate", function()
    local n = start(tls(("client = { ca = %q, verify = 'request' }"):format(ca.pem_path)) .. TELLS)
    assert.is_nil(facts(n).client)
    local who = facts(n, { "-cert", alice.pem_path, "-key", alice.key_path }).client
    assert.equal("CN=alice", who.subject)
    assert.equal("CN=people", who.issuer)
    assert.same({ "alice.team.test", "alice", "10.1.2.3" }, who.names)
    assert.equal(alice.not_after, who.not_after)
    assert.is_true(who.verified)
    assert.is_nil(who.error)
    local said = pki.openssl { "x509", "-in", alice.pem_path, "-noout", "-serial", "-fingerprint",
      "-sha256" }
    assert.equal(said:match "serial=(%x+)", who.serial)
    assert.equal(said:match "ingerprint=([%x:]+)":gsub(":", ""):lower(), who.fingerprint)
  end)

  it("has a long serial on one line", function()
    local serial = ("7F0A"):rep(20)
    local long = ca:issue { cn = "long", serial = serial }
    local n = start(tls(("client = { ca = %q, verify = 'request' }"):format(ca.pem_path)) .. TELLS)
    assert.equal(serial,
      facts(n, { "-cert", long.pem_path, "-key", long.key_path }).client.serial)
  end)

  it("is there for the connections of a tcp service, too", function()
    local echo = origin.start { connection = function(conn) conn:send(conn:read_some()) end }
    local n = neap.start {
      config = ([[return { listen = "127.0.0.1:0", mode = "tcp", workers = 1, %s
        backends = { "tcp://%s" }, health = { type = "none" },
        policy = { request = function(r)
          require "neap".log.info("by %%s for %%s, %%s", r.tls.version, r.tls.sni, r.tls.ja4)
        end } }]]):format(tls(), echo.address),
    }
    s_client.run { port = n.port, name = "a.test", args = { "-tls1_2" } }
    n:wait_log "by TLSv1.2 for a.test, t12d"
  end)

  describe("Client-Cert", function()
    local function sent(web)
      local list = web:requests()
      return list[#list].headers
    end
    local FAKE = "GET / HTTP/1.1\r\nHost: a.test\r\nClient-Cert: :AAAA:\r\n"
      .. "client-cert-chain: :AA:\r\nConnection: close\r\n\r\n"

    it("is the certificate that was verified, as RFC 9440 writes it", function()
      local n, web = start(tls(("client = { ca = %q }"):format(ca.pem_path)))
      local r = s_client.run { port = n.port, request = FAKE,
        args = { "-cert", alice.pem_path, "-key", alice.key_path } }
      assert.equal(200, r.status, r.log)
      local base64 = alice.pem:match("BEGIN CERTIFICATE%-%-%-%-%-\n(.-)%-%-%-"):gsub("\n", "")
      assert.equal(":" .. base64 .. ":", sent(web)["client-cert"])
      assert.is_nil(sent(web)["client-cert-chain"])
    end)

    it("is left out where it has more than 16 KiB, and the request goes on", function()
      local names = {}
      for i = 1, 700 do names[i] = ("%d.a-long-name-of-a-host.test"):format(i) end
      local large = ca:issue { cn = "large", names = names }
      local n, web = start(tls(("client = { ca = %q }"):format(ca.pem_path)))
      local r = s_client.run { port = n.port,
        args = { "-cert", large.pem_path, "-key", large.key_path } }
      assert.equal(200, r.status, r.log)
      assert.is_true(#large.pem > 16 * 1024)
      assert.is_nil(sent(web)["client-cert"])
    end)

    it("of a client is removed everywhere, and no policy sees it", function()
      local n, web = start [[policy = { request = function(r)
        if r:header "client-cert" or r:header "client-cert-chain" then error "seen" end
      end }]]
      local c = client.connect(n.address)
      c:send(FAKE)
      assert.equal(200, c:read_response().status)
      assert.is_nil(sent(web)["client-cert"])
      assert.is_nil(sent(web)["client-cert-chain"])
    end)
  end)

  it("can be given to the policies of a spec", function()
    local testing = require "neap.testing"
    local seen
    local pool = testing.pool({ "b1" }, { policy = { request = function(r)
      seen = r.tls and { r.tls.version, r.scheme, r.tls.client.verified, r.tls.client.names[2] }
    end } })
    pool:send { tls = { client = { names = { "a", "b" } } } }
    assert.same({ "TLSv1.3", "https", true, "b" }, seen)
    pool:send {}
    assert.is_nil(seen)
  end)
end)
