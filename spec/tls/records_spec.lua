-- Connections that live on after their handshake: neap goes on without OpenSSL's object a moment
-- later, and nobody notices but for the metric that counts them.

local cjson = require "cjson"
local client = require "support.client"
local eventually = require "support.eventually"
local https = require "support.https"
local lfs = require "lfs"
local neap = require "support.neap"
local origin = require "support.origin"
local s_client = require "support.s_client"
local scope = require "support.scope"
local tcp = require "support.tcp"

local GET = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"

local ADMIN = [[admin = { listen = "127.0.0.1:0" },]]

local TELLS = [[policy = { request = function(r)
  local neap = require "neap"
  local t = r.tls
  return neap.reply { body = neap.json.encode { t.version, t.cipher, t.sni or "", t.alpn or "",
    t.resumed, t.ja4, t.client == nil } .. "\n" }
end },]]

-- A client that has had an answer, and whose connection has gone on without OpenSSL's object.
local function light(backend, more, options)
  local n = https.start(backend or {}, ADMIN .. (more or ""), options)
  local p, send, lines = s_client.talk(n.port, { "-tls1_3" })
  send(GET, "HTTP/1.1 200 OK")
  https.wait_light(n, 1)
  return n, p, send, lines
end

local function errors(n, reason)
  return https.count(n, "neap_tls_errors_total", ('reason="%s"'):format(reason))
end

describe("a TLS connection after its handshake", function()
  for _, suite in ipairs { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256" } do
    it("takes new keys of its client, and answers with its own: " .. suite, function()
      local n = https.start({}, ADMIN)
      local _, send = s_client.talk(n.port, { "-tls1_3 -ciphersuites", suite })
      send(GET, "HTTP/1.1 200 OK")
      https.wait_light(n, 1)
      send(GET, "HTTP/1.1 200 OK")
      for _ = 1, 3 do
        send("K\n", "KEYUPDATE")
        send(GET, "HTTP/1.1 200 OK")
        send("k\n", "KEYUPDATE")
        send(GET, "HTTP/1.1 200 OK")
      end
    end)
  end

  it("keeps the object when new keys came before that moment", function()
    local n = https.start({}, ADMIN)
    local p, send = s_client.talk(n.port, { "-tls1_3" })
    send("K\n", "KEYUPDATE")
    send(GET, "HTTP/1.1 200 OK")
    local later = https.sending(n, GET)
    eventually(function() return later:stdout():find "200 OK" end)
    https.wait_light(n, 1) -- that of the one that came later
    send("K\n", "KEYUPDATE")
    send(GET, "HTTP/1.1 200 OK")
    assert.is_true(p:alive())
  end)

  it("tells policies the same as before", function()
    local n = https.start({}, ADMIN .. TELLS)
    local p, send = s_client.talk(n.port, { "-tls1_3 -alpn http/1.1" })
    send(GET, "%[\"TLS[^\n]*\n")
    https.wait_light(n, 1)
    send(GET, "%[\"TLS[^\n]*\n")
    local told = {}
    for line in p:stdout():gmatch "(%[\"TLS[^\n]*)\n" do table.insert(told, line) end
    assert.equals(2, #told)
    assert.equals(told[1], told[2])
    local facts = cjson.decode(told[1])
    assert.equals("TLSv1.3 a.test http/1.1", facts[1] .. " " .. facts[3] .. " " .. facts[4])
    assert.is_false(facts[5])
    assert.equals(36, #facts[6])
  end)

  it("ends well by close_notify, and is cut without it", function()
    local n, p, send, lines = light(nil, nil, { allow = { "broke off" } })
    send(GET, "HTTP/1.1 200 OK")
    lines:write "Q\n"
    lines:close()
    p:wait(20)
    eventually(function() return https.count(n, "neap_worker_connections") == 0 end)
    https.wait_light(n, 0)
    assert.equals(0, errors(n, "cut"))
    local q = https.sending(n, GET .. GET:sub(1, -3))
    eventually(function() return q:stdout():find "200 OK" ~= nil end)
    https.wait_light(n, 1)
    q:kill_group "KILL"
    eventually(function() return errors(n, "cut") == 1 end)
  end)

  it("carries large bodies both ways, however their records are cut", function()
    local body = ("0123456789abcdef"):rep(64 * 1024)
    local n = https.start { handler = function(conn) return (conn:read_body()) end }
    for _, piece in ipairs { 4096, 997 } do
      local port = https.cutter { to = n.port, piece = piece }
      local code, out, err = https.curl(n, { "--http1.1", "--tlsv1.3", "--limit-rate", "1500k",
        "--data-binary", "@-", "-H", "Expect:" }, { port = port, stdin = body })
      assert.equals(0, code, err)
      assert.is_true(out == body)
    end
  end)

  it("to a backend goes on in the same way, and is kept", function()
    local secure = https.start({}, ADMIN)
    local n = neap.start { config = neap.config({ "https://127.0.0.1:" .. secure.port },
      ADMIN .. ('tls = { ca = "%s" }, health = { type = "none" }'):format(
        secure.dir .. "/ca.pem")) }
    for _ = 1, 3 do
      assert.equals(200, n:get("/").status)
      https.wait_light(n, 1)
      https.wait_light(secure, 1)
    end
    local whole = https.count(secure, "neap_tls_handshakes_total", '"full"')
    assert.equals(1, whole)
    assert.equals(0, errors(secure, "cut"))
  end)

  it("answers a damaged record with an alert, and counts it", function()
    local n = https.start({}, ADMIN, { allow = { "broke off" } })
    local from = scope.directory() .. "/from"
    local port = https.spoiler { to = n.port, way = "up", from = from }
    local p, send, lines = s_client.talk(port, { "-tls1_3", "-msg" })
    send(GET, "HTTP/1.1 200 OK")
    https.wait_light(n, 1)
    scope.write(from, "")
    lines:write(GET)
    eventually(function() return p:log():find "<<< [^\n]*Alert[^\n]*bad_record_mac" end)
    eventually(function() return errors(n, "record") == 1 end)
    n:wait_log "warn service .-: TLS with 127.0.0.1 broke off: a record of the peer was forged"
    https.wait_light(n, 0)
  end)

  it("of one that was reloaded away still gets its answer, and a clean end", function()
    local go = scope.directory() .. "/go"
    local n, p, _, lines = light(function(conn, request)
      if request.target == "/late" then
        eventually(function() conn:wait(0.05); return lfs.attributes(go) ~= nil end)
      end
      return { body = "answer" }
    end)
    lines:write(GET:gsub("/", "/late", 1))
    eventually(function() return https.count(n, "neap_backend_inflight") == 1 end)
    n:signal "HUP"
    n:wait_log "generation 2 serves"
    scope.write(go, "")
    eventually(function() return select(2, p:log():gsub("answer", "")) == 2 end)
    p:wait(20)
    assert.is_truthy(p:stdout():find "\nclosed\n")
    assert.equals(0, errors(n, "cut"))
  end)

  it("that has said its last still gets what follows", function()
    local o = origin.start { connection = function(conn)
      conn:send "go on\n"
      conn:send("you said " .. conn:read_all())
    end }
    local inner = neap.start { files = https.files(), config = tcp.config({ o }, ADMIN
      .. 'tls = { certificate = "cert.pem", key = "key.pem" },') }
    local n = neap.start { files = https.files(), config = ([[return { mode = "tcp",
      listen = "127.0.0.1:0", backends = { "tls://%s" }, health = { type = "none" },
      log = { level = "info" }, workers = 1, %s tls = { ca = "ca.pem" } }]])
      :format(inner.address, ADMIN) }
    local c = client.connect(n.address)
    assert.equals("go on\n", c:receive(6))
    https.wait_light(n, 1)
    https.wait_light(inner, 1)
    c:send "all of it"
    c:shutdown_write()
    assert.equals("you said all of it", c:receive_all())
  end)
end)
