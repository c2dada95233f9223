-- Connections that live on after their handshake: neap goes on without OpenSSL's object a moment
-- later, and nobody notices. Each spec has something to do before and after that moment.

local cjson = require "cjson"
local eventually = require "support.eventually"
local https = require "support.https"
local neap = require "support.neap"
local process = require "support.process"
local scope = require "support.scope"

local GET = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"

-- Longer than neap waits: the client stays. Where it was too short a spec shows less, and passes.
local function stays(p)
  assert.is_true(p:alive())
  eventually.always(function() return p:alive() end, 0.7)
end

local TELLS = [[policy = { request = function(r)
  local neap = require "neap"
  local t = r.tls
  return neap.reply { body = neap.json.encode { t.version, t.cipher, t.sni or "", t.alpn or "",
    t.resumed, t.ja4, t.client == nil } .. "\n" }
end },]]

-- openssl's client, to which lines are sent one by one.
local function talk(port, arguments)
  local path = scope.directory() .. "/lines"
  assert(os.execute("mkfifo " .. path) == 0)
  local p = process.spawn { argv = { "sh", "-c",
    ("exec openssl s_client -connect 127.0.0.1:%d -servername a.test %s <%s"):format(port,
      arguments or "", path) } }
  local lines = assert(io.open(path, "w"))
  lines:setvbuf "no"
  local function count(what) return select(2, p:log():gsub(what, "")) end
  return p, function(text, awaited)
    local before = count(awaited)
    lines:write(text)
    eventually(function() return count(awaited) > before end)
  end, lines
end

describe("a TLS connection after its handshake", function()
  for _, suite in ipairs { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256" } do
    it("takes new keys of its client, and answers with its own: " .. suite, function()
      local n = https.start {}
      local p, send = talk(n.port, "-tls1_3 -ciphersuites " .. suite)
      send(GET, "HTTP/1.1 200 OK")
      stays(p)
      send(GET, "HTTP/1.1 200 OK")
      for _ = 1, 3 do
        send("K\n", "KEYUPDATE")
        send(GET, "HTTP/1.1 200 OK")
        send("k\n", "KEYUPDATE")
        send(GET, "HTTP/1.1 200 OK")
      end
    end)
  end

  it("takes new keys in the first moment, too", function()
    local n = https.start {}
    local p, send = talk(n.port, "-tls1_3")
    send("K\n", "KEYUPDATE")
    send(GET, "HTTP/1.1 200 OK")
    stays(p)
    send(GET, "HTTP/1.1 200 OK")
    send("K\n", "KEYUPDATE")
    send(GET, "HTTP/1.1 200 OK")
  end)

  it("tells policies the same as before", function()
    local n = https.start({}, TELLS)
    local p, send = talk(n.port, "-tls1_3 -alpn http/1.1")
    send(GET, "%[\"TLS[^\n]*\n")
    stays(p)
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
    local n = https.start({}, [[admin = { listen = "127.0.0.1:0" },]],
      { allow = { "broke off" } })
    local p, send, lines = talk(n.port, "-tls1_3")
    send(GET, "HTTP/1.1 200 OK")
    stays(p)
    send(GET, "HTTP/1.1 200 OK")
    lines:write "Q\n"
    lines:close()
    p:wait(20)
    eventually(function() return https.count(n, "neap_worker_connections") == 0 end)
    assert.equals(0, https.count(n, "neap_tls_errors_total", 'reason="cut"'))
    local q = https.sending(n, GET)
    eventually(function() return q:stdout():find "200 OK" ~= nil end)
    stays(q)
    q:kill_group "KILL"
    eventually(function() return https.count(n, "neap_tls_errors_total", 'reason="cut"') == 1 end)
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
    local secure = https.start({}, [[admin = { listen = "127.0.0.1:0" },]])
    local n = neap.start { config = neap.config({ "https://127.0.0.1:" .. secure.port },
      ('tls = { ca = "%s" }, health = { type = "none" }'):format(secure.dir .. "/ca.pem")) }
    for _ = 1, 3 do
      assert.equals(200, n:get("/").status)
      stays(n)
    end
    local whole = https.count(secure, "neap_tls_handshakes_total", '"full"')
    assert.equals(1, whole)
    assert.equals(0, https.count(secure, "neap_tls_errors_total", '"cut"'))
  end)
end)
