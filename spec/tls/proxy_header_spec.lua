local cjson = require "cjson"
local client = require "support.client"
local header = require "support.proxy_header"
local hello = require "support.client_hello"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local proxied = require "support.proxied"
local s_client = require "support.s_client"
local tcp = require "support.tcp"

local item, ssl = header.item, header.ssl
local TLS = item(header.AUTHORITY, "App.example") .. item(header.ALPN, "http/1.1")
  .. ssl { client = 3, version = "TLSv1.3", cipher = "TLS_AES_128_GCM_SHA256", cn = "ann" }
local GET = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

-- Sends back all that comes first, in one piece, as its length and the bytes.
local function mirror(conn)
  local bytes = ""
  while not bytes:find("END", 1, true) do
    local more = conn:read_some()
    if not more then return end
    bytes = bytes .. more
  end
  conn:send(("%d:%s"):format(#bytes, bytes))
end

local function told(n, bytes)
  local c = client.connect(n.address)
  c:send(bytes .. "END")
  local size = tonumber(c:receive_until(":"):match "%d+")
  return header.read(c:receive(size))
end

describe("a PROXY header from a balancer that ended TLS", function()
  local function ask(n, items)
    local c = client.connect(n.address)
    c:send(header.of { items = items } .. GET)
    return c:read_response()
  end

  it("makes the scheme https, for hooks and for the backend", function()
    local n = proxied.start(function(_, request)
      return { body = request.headers["x-forwarded-proto"] }
    end, [[proxy_protocol = true, policy = { request = function(r)
      require "neap".log.info("%s %s %s", r.scheme, r.sni or "none", (r.alpn or { "none" })[1])
    end }]])
    assert.equal("https", ask(n, TLS).body)
    assert.equal("http", ask(n, "").body)
    assert.equal("http", ask(n, ssl { client = 0 }).body)
    assert.equal(1, n:count_log "https app.example http/1.1")
    assert.equal(2, n:count_log "http none none")
  end)

  local function facts(items)
    local n = proxied.start({}, [[proxy_protocol = true, policy = { request = function(r)
      local neap, t = require "neap", r.tls
      local c = t and t.client
      return neap.reply { body = neap.json.encode { version = t and t.version,
        cipher = t and t.cipher, sni = t and t.sni, alpn = t and t.alpn, is_nil = t == nil,
        verified = c and c.verified, subject = c and c.subject, issuer = c and c.issuer,
        names = c and #c.names, not_after = c and c.not_after, error = c and c.error } }
    end }]])
    return cjson.decode(ask(n, items).body)
  end

  it("is what request.tls tells of", function()
    assert.same({ version = "TLSv1.3", cipher = "TLS_AES_128_GCM_SHA256", sni = "app.example",
      alpn = "http/1.1", is_nil = false, verified = true, subject = "CN=ann", names = 0 },
      facts(TLS))
    assert.same({ is_nil = false, verified = false, names = 0,
      error = "the balancer in front did not verify it" }, facts(ssl { client = 3, verify = 9 }))
    assert.same({ is_nil = false }, facts(ssl { client = 1 }))
    assert.same({ is_nil = true }, facts(item(header.AUTHORITY, "app.example")))
  end)

  it("cannot make up other parts of a subject", function()
    assert.equal("CN=a\\,O\\+\\0A\\ ", facts(ssl { client = 3, cn = "a,O+\n " }).subject)
    assert.is_nil(facts(ssl { client = 3, cn = ("a"):rep(256) }).subject)
  end)

  it("is believed with its checksum, and refused with a wrong one", function()
    local n = proxied.start({}, "proxy_protocol = true")
    local function answer(bytes)
      local c = client.connect(n.address)
      c:send(bytes .. GET)
      return c:read_response()
    end
    for _, family in ipairs { "v4", "v6", "unspec" } do
      local good = header.sealed { items = TLS, family = family }
      assert.equal(200, answer(good).status)
      assert.matches("wrong checksum", answer(good:sub(1, -2)
        .. string.char((good:byte(-1) + 1) % 256)).headers["x-neap-error"])
    end
    local changed = header.sealed { items = TLS }:gsub("TLSv1.3", "TLSv1.2")
    assert.equal(400, answer(changed).status)
    assert.matches("malformed item", answer(header.of { items = item(header.CRC32C, "\1\2\3") })
      .headers["x-neap-error"])
  end)

  it("is refused when an item is malformed", function()
    local n = proxied.start({}, "proxy_protocol = true")
    local response = ask(n, "\32\0\9\1")
    assert.equal(400, response.status)
    assert.matches("malformed item %(TLV%)", response.headers["x-neap-error"])
  end)
end)

describe("send_proxy = { version = 2, tls = true }", function()
  local SEND = "send_proxy = { version = 2, tls = true }"

  it("passes on what a PROXY header said", function()
    local n = tcp.start(mirror, SEND .. ", proxy_protocol = true")
    local said, rest = told(n, header.of { items = TLS })
    assert.equal("END", rest)
    assert.equal("app.example", said.items[header.AUTHORITY])
    assert.equal("http/1.1", said.items[header.ALPN])
    local value = said.items[header.SSL]
    assert.equal("\7\0\0\0\0", value:sub(1, 5))
    assert.same({ [header.VERSION] = "TLSv1.3", [header.CIPHER] = "TLS_AES_128_GCM_SHA256",
      [header.CN] = "ann", order = { header.VERSION, header.CIPHER, header.CN } },
      header.items(value:sub(6)))
  end)

  it("says of a client in the clear what version 2 says", function()
    local n = tcp.start(mirror, SEND)
    local said = told(n, "")
    assert.matches("^127%.0%.0%.1:%d+$", said.source)
    assert.equal(n.address, said.destination)
    assert.same({ 17, { order = {} } }, { said.family, said.items })
  end)

  it("names the host that a ClientHello asks for, and no TLS that still goes on", function()
    local n = tcp.start(mirror, SEND .. ', sniff = "tls"')
    local bytes = hello.of { sni = "app.example", alpn = { "h2" } }
    local said, rest = told(n, bytes)
    assert.equal(bytes .. "END", rest)
    assert.same({ [header.AUTHORITY] = "app.example", [header.ALPN] = "h2",
      order = { header.ALPN, header.AUTHORITY } }, said.items)
  end)

  it("tells of TLS that ends here, and of the client's certificate", function()
    local ca = pki.ca { name = "a CA" }
    local cert = ca:issue { names = { "a.test" } }
    local ann = ca:issue { cn = "ann", names = { "ann" }, usage = "clientAuth" }
    local n = tcp.start(mirror, ([[%s, tls = { certificate = %q, key = %q,
      client = { ca = %q, verify = "request" } }]]):format(SEND, cert.chain_path, cert.key_path,
      ca.pem_path))
    local function said(args, name)
      local r = s_client.run { port = n.port, name = name or "a.test", request = "END",
        args = args }
      return header.read((r.log:match "%d+:(\r\n\r\n%z.*)")).items
    end
    local plain = said { "-tls1_2", "-alpn", "http/1.1" }
    assert.equal("\1\0\0\0\1", plain[header.SSL]:sub(1, 5))
    assert.equal("a.test", plain[header.AUTHORITY])
    local ssl_items = header.items(plain[header.SSL]:sub(6))
    assert.equal("TLSv1.2", ssl_items[header.VERSION])
    assert.matches("^ECDHE", ssl_items[header.CIPHER])
    assert.is_nil(ssl_items[header.CN])
    assert.is_nil(said({}, "odd\r\n\255")[header.AUTHORITY])
    assert.equal("a.test", said({}, "A.Test.")[header.AUTHORITY])
    local shown = said { "-cert", ann.pem_path, "-key", ann.key_path }
    assert.equal("\7\0\0\0\0", shown[header.SSL]:sub(1, 5))
    assert.equal("ann", header.items(shown[header.SSL]:sub(6))[header.CN])
  end)

  it("may be said of one backend, and is off with send_proxy = 2", function()
    local a, b = origin.start { connection = mirror }, origin.start { connection = mirror }
    local n = neap.start { config = ([[return {
      listen = "127.0.0.1:0", workers = 1, mode = "tcp", proxy_protocol = true, send_proxy = 2,
      health = { type = "none" }, log = { level = "info" },
      backends = { "tcp://%s", { url = "tcp://%s", send_proxy = { tls = true } } },
    }]]):format(a.address, b.address) }
    local count = { told(n, header.of { items = TLS }), told(n, header.of { items = TLS }) }
    assert.same({ 0, 3 }, { #count[1].items.order, #count[2].items.order })
  end)

  it("needs version 2", function()
    local code, output = neap.check [[return { listen = ":1", backends = { "http://127.0.0.1:1" },
      send_proxy = { version = 1, tls = true } }]]
    assert.equal(1, code)
    assert.matches("send_proxy.tls: version 1 of the PROXY protocol cannot tell of TLS", output, 1,
      true)
  end)
end)
