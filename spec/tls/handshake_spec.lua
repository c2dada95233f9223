local client = require "support.client"
local eventually = require "support.eventually"
local https = require "support.https"
local proxied = require "support.proxied"
local s_client = require "support.s_client"

local ADMIN = [[admin = { listen = "127.0.0.1:0" },]]

local function ok(n, arguments, options)
  local code, out, err = https.curl(n, arguments, options)
  assert.equals(0, code, err)
  return out
end

describe("a service with TLS", function()
  it("answers, and its backend is told that it was https", function()
    local n, web = https.start {}
    assert.is_truthy(ok(n, { "-i" }):find "^HTTP/%S+ 200")
    assert.equals("https", web:requests()[1].headers["x-forwarded-proto"])
    assert.equals("https", n.protocols[1])
  end)

  it("speaks TLS 1.2 and 1.3", function()
    local n = https.start {}
    for flag, version in pairs { ["-tls1_2"] = "TLSv1.2", ["-tls1_3"] = "TLSv1.3" } do
      local r = s_client.run { port = n.port, name = "a.test", args = { flag } }
      assert.equals(version, r.version, r.log)
      assert.equals(200, r.status)
    end
  end)

  it("says to its policy that the scheme is https", function()
    local n = https.start({}, [[policy = {
      request = function(request)
        return require("neap").reply { status = 200, body = request.scheme }
      end },]])
    assert.equals("https", ok(n, {}))
  end)

  it("serves several requests on a connection", function()
    local n, web = https.start {}
    local again = ("https://127.0.0.1:%d/"):format(n.port)
    assert.equals("1\n0\n", ok(n, { "-o", "/dev/null", "-o", "/dev/null", "-w",
      "%{num_connects}\n", again }))
    assert.equals(2, #web:requests())
  end)

  it("serves what is sent ahead in its order", function()
    local n = https.start(function(_, request) return request.target .. "\n" end)
    local requests = {}
    for i = 1, 30 do
      requests[i] = ("GET /%d HTTP/1.1\r\nHost: a\r\n%s\r\n"):format(i,
        i == 30 and "Connection: close\r\n" or "")
    end
    local r = s_client.run { port = n.port, request = table.concat(requests) }
    local seen = {}
    for target in r.log:gmatch "\r\n\r\n/(%d+)\n" do table.insert(seen, tonumber(target)) end
    for i = 1, 30 do assert.equals(i, seen[i]) end
  end)

  it("takes and gives a mebibyte", function()
    local n = https.start(function(conn)
      local body = {}
      conn:read_body(function(bytes) table.insert(body, bytes) end)
      return table.concat(body)
    end)
    local bytes = proxied.pattern(1024 * 1024)
    local out = ok(n, { "--data-binary", "@-", "-H", "Expect:" }, { stdin = bytes })
    assert.is_true(out == bytes, #out .. " bytes came back")
  end)

  it("does so however its bytes are cut", function()
    local n = https.start(function(conn)
      return (conn:read_body() or ""):upper()
    end)
    for _, version in ipairs { "1.2", "1.3" } do
      local port = https.cutter { to = n.port, piece = 1 }
      assert.equals("HELLO", ok(n, { "--tls-max", version, "-d", "hello" }, { port = port }))
    end
  end)

  it("takes the PROXY header before the handshake", function()
    local n, web = https.start({}, "proxy_protocol = true, forwarded = { trust = {} },")
    assert.is_truthy(ok(n, { "-i", "--haproxy-protocol" }):find "^HTTP/%S+ 200")
    assert.equals("https", web:requests()[1].headers["x-forwarded-proto"])
    local port = https.cutter { to = n.port, piece = 1 }
    assert.is_truthy(ok(n, { "-i", "--haproxy-protocol" }, { port = port }):find "^HTTP/%S+ 200")
  end)

  it("counts handshakes", function()
    local n = https.start({}, ADMIN)
    ok(n, {})
    local c = client.connect(n.port)
    c:send "\22\3\1\0\5hello"
    assert.is_true(#c:receive_all() <= 7) -- an alert
    eventually(function()
      return https.count(n, "handshakes_total", '"full"') == 1
        and https.count(n, "handshakes_total", '"failed"') == 1
        and https.count(n, "handshake_failures_total", '"no_tls"') == 1
    end)
    n:wait_log "warn service %S+ the TLS handshake with 127.0.0.1 failed: "
  end)
end)

describe("what is not TLS", function()
  it("on a TLS address is told so in the clear", function()
    local n = https.start({}, ADMIN)
    for _, method in ipairs { "GET", "DELETE", "OPTIONS" } do
      local c = client.connect(n.port)
      local response = c:request(method, "/")
      assert.equals(400, response.status)
      assert.equals("plain HTTP request on a TLS address: use https://",
        response.headers["x-neap-error"])
      assert.is_true(c:closed())
    end
    for _, first in ipairs { "get / HTTP/1.1\r\n\r\n", "\r\nGET / HTTP/1.1\r\n\r\n", "p" } do
      local c = client.connect(n.port)
      c:send(first)
      assert.equals(400, c:read_response().status)
      assert.is_true(c:closed())
    end
    eventually(function() return https.count(n, "handshake_failures_total", '"plain"') == 6 end)
  end)

  it("with a large body gets its answer as well", function()
    local n = https.start {}
    local response = client.request(n.port, "POST / HTTP/1.1\r\nHost: a\r\n"
      .. "Content-Length: 1000000\r\n\r\n" .. ("x"):rep(200000))
    assert.equals(400, response.status)
  end)

  it("gets no answer if it is no HTTP either", function()
    local n = https.start {}
    local c = client.connect(n.port)
    c:send(("\0"):rep(100))
    assert.is_true(#c:receive_all() <= 7) -- an alert
    assert.equals(0, n:count_log " error ")
  end)

  it("is told once per second, with how many were left out", function()
    local n = https.start {}
    eventually(function()
      for _ = 1, 3 do
        local c = client.connect(n.port)
        c:send(("\0"):rep(100))
        c:receive_all()
      end
      return n:count_log "failed: [^\n]+ %(%d+ more such lines were left out%)" > 0
    end)
  end)

  it("is TLS on an address in the clear: refused, and the log is clean", function()
    local n = proxied.start {}
    local r = s_client.run { port = n.port, name = "a.test" }
    assert.is_false(r.ok)
    assert.equals("TLS on an address in the clear",
      client.request(n.port, "\22\3\1").headers["x-neap-error"])
    assert.equals(200, n:get("/").status)
    assert.is_nil(n:log():find "[^\t\n\32-\126]")
    assert.is_nil(n:log():find("\\x", 1, true))
  end)
end)

describe("a handshake", function()
  it("has its time", function()
    local n = https.start({}, ADMIN .. "timeouts = { handshake = 0.3 },")
    local c = client.connect(n.port)
    c:send "\22\3\1"
    assert.is_true(c:closed())
    eventually(function()
      return https.count(n, "handshake_failures_total", '"timeout"') == 1
    end)
  end)

  it("gives way to others when there are too many", function()
    local n = https.start({}, ADMIN .. "limits = { connections = 4 },")
    local silent = {}
    for i = 1, 3 do
      silent[i] = client.connect(n.port)
      silent[i]:send "\22"
    end
    eventually(function() return https.count(n, "handshake_failures_total", '"shed"') >= 1 end)
    assert.is_truthy(ok(n, { "-i" }):find "^HTTP/%S+ 200")
  end)

  it("that is not done does not keep others waiting", function()
    local n = https.start({}, ADMIN)
    for _ = 1, 50 do client.connect(n.port):send "\22\3\1" end
    assert.is_truthy(ok(n, { "-i" }):find "^HTTP/%S+ 200")
  end)
end)
