-- TLS that breaks after the handshake: what is counted and told of it.

local admin = require "support.admin"
local cjson = require "cjson"
local eventually = require "support.eventually"
local h2_client = require "support.h2_client"
local https = require "support.https"
local neap = require "support.neap"
local origin = require "support.origin"
local s_client = require "support.s_client"
local scope = require "support.scope"
local net = require "support.net"
local tcp = require "support.tcp"

local MORE = [[access_log = { target = "access.log", format = "json" }, explain = { sample = 1 },
  admin = { listen = "127.0.0.1:0" },]]
local UPLOAD = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome"

local function start()
  local web = origin.start { allow_errors = true }
  return https.before({ web }, MORE, { allow = { "broke off" } }), web
end

local function errors(n, reason)
  return https.count(n, "neap_tls_errors_total", ('reason="%s"'):format(reason))
end

local function last_line(n)
  return eventually(function()
    local line = scope.read(n.dir .. "/access.log"):match "([^\n]*)\n$"
    return line and cjson.decode(line)
  end)
end

describe("a client whose TLS breaks after the handshake", function()
  it("by a damaged record is told and counted so", function()
    local n = start()
    local port = https.spoiler { to = n.port, way = "up" }
    s_client.run { port = port, args = { "-tls1_2" } }
    eventually(function() return errors(n, "record") == 1 end)
    n:wait_log "warn service .-: TLS with 127.0.0.1 broke off: a record of the peer was forged"
    assert.equal(0, https.count(n, "neap_tls_handshakes_total", '"failed"'))
    assert.equal(1, https.count(n, "neap_tls_handshakes_total", '"full"'))
  end)

  it("by an alert of its own is told and counted so", function()
    local n = start()
    local port = https.spoiler { to = n.port, way = "down" }
    s_client.run { port = port, args = { "-tls1_2" },
      request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n" }
    eventually(function() return errors(n, "alert") == 1 end)
    n:wait_log "broke off: .*bad record mac"
  end)

  it("by an end without close_notify is told, as the reason of its request", function()
    local n, web = start()
    local c = https.sending(n, UPLOAD)
    eventually(function() return web:open_connections() == 1 end)
    c:kill_group "KILL"
    eventually(function() return errors(n, "cut") == 1 end)
    local line = last_line(n)
    assert.same({ 0, "the peer cut off without close_notify" }, { line.status, line.reason })
    local _, out = neap.run { "explain", "--admin", n.admin }
    assert.matches("no answer: the client left.*\n    the peer cut off without close_notify\n", out)
    assert.equal(0, n:count_log "broke off")
  end)

  it("by an end without close_notify in a stream or a frame of HTTP/2 is counted so", function()
    local n = start()
    local none = h2_client.connect(n.address, { tls = true })
    assert.is_true(none:ping())
    local c = h2_client.connect(n.address, { tls = true })
    c:request({ [":method"] = "POST" }, { open = true })
    assert.is_true(c:ping())
    local half = h2_client.connect(n.address, { tls = true })
    half:send(h2_client.frames.ping("12345678"):sub(1, 12))
    for _, one in ipairs { none, c, half } do net.finish(one.socket.fd) end
    eventually(function() return errors(n, "cut") == 2 end)
    eventually(function() return https.count(n, "neap_worker_connections") == 0 end)
    assert.equal(2, errors(n, "cut"))
    for _, name in ipairs { "neap_tls_errors_total", "neap_http2_abuse_total" } do
      assert.is_nil(require("support.admin").get(n, "/metrics").body:find(
        name .. '{[^\n]*reason="none"'))
    end
  end)

  it("in a tcp service is told and counted, too", function()
    local o = origin.start { connection = tcp.named "o", allow_errors = true }
    local n = neap.start { config = tcp.config({ o }, MORE
      .. 'tls = { certificate = "cert.pem", key = "key.pem" },'), files = https.files(),
      allow = { "broke off" } }
    local port = https.spoiler { to = n.port, way = "up" }
    s_client.run { port = port, args = { "-tls1_2" } }
    eventually(function() return errors(n, "record") == 1 end)
    assert.matches("^a record of the peer was forged", last_line(n).reason)
  end)

  it("is not what ends well, whoever ends first", function()
    local n = start()
    assert.equal(200, s_client.run({ port = n.port }).status)
    for _, version in ipairs { "--http1.1", "--http2" } do
      assert.equal(0, (https.curl(n, { version })))
    end
    local c = https.sending(n, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    eventually(function() return c:stdout():find "200 OK" ~= nil end)
    c:kill_group "KILL" -- without close_notify, between two requests
    eventually(function() return https.count(n, "neap_worker_connections") == 0 end)
    for _, reason in ipairs { "cut", "left", "record", "alert", "no_tls", "other" } do
      assert.equal(0, errors(n, reason), reason)
    end
  end)
end)

describe("attempts on backends", function()
  it("that fail are counted by kind", function()
    local plain = origin.start { connection = function(conn)
      conn:read_some()
      conn:send "HTTP/1.0 400 Bad Request\r\n\r\n"
    end, allow_errors = true }
    local n = admin.start { 1, "https://" .. plain.address, origin.start {} }
    eventually(function()
      n:get "/"
      return https.count(n, "neap_service_failed_attempts_total", '"tls"') == 1
        and https.count(n, "neap_service_failed_attempts_total", '"refused"') == 1
    end)
  end)
end)
