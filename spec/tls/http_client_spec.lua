-- What hooks ask of others over TLS: neap.http with https://, neap.tcp with tls.

local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local scope = require "support.scope"
local tls_nginx = require "support.tls_nginx"

local ca, certificate

setup(function()
  ca = pki.ca { name = "a CA of specs" }
  certificate = ca:issue { names = { "a.test", "*.b.test" }, ips = { "127.0.0.1" } }
end)

-- Runs code in a request hook, and gives the answer's body: what it returns.
local function run(code, values)
  local lines = { 'local neap = require "neap"' }
  for name, value in pairs(values) do
    table.insert(lines, ("local %s = %q"):format(name, value))
  end
  table.insert(lines, ("return { request = function() local function run() %s end\n"
    .. "return neap.reply { body = tostring(run()) } end }"):format(code))
  local n = neap.start {
    config = neap.config({ origin.start { name = "web" } },
      'policy = "policy.lua", health = { type = "none" }'),
    files = { ["policy.lua"] = table.concat(lines, "\n") },
  }
  local answer = n:get "/"
  assert.equal(200, answer.status)
  return answer.body, n
end

describe("neap.http over TLS", function()
  it("trusts a CA that it is given, and checks the name", function()
    local server = tls_nginx.start { certificate = certificate, tells = "[$ssl_server_name]" }
    local body = run([[
      local told = {}
      local function ask(url, tls)
        local answer, why = neap.http.get(url, { tls = tls })
        table.insert(told, answer and answer.body or why)
      end
      ask(url, { ca = ca })
      ask(url, { ca = ca, server_name = "a.test" })
      ask(url, { ca = ca, server_name = "x.b.test" })
      ask(url, { ca = ca, server_name = "x.y.b.test" })
      ask(url)
      ask(url, { verify = false, server_name = "other.test" })
      ask(url, { ca = ca, server_name = ".b.test" })
      return table.concat(told, "\n")
    ]], { url = server.url .. "/", ca = ca.pem })
    assert.same({
      "[]",
      "[a.test]",
      "[x.b.test]",
      "the certificate is for other names: a.test, *.b.test, 127.0.0.1",
      'unknown CA: "a CA of specs"',
      "[other.test]",
      "this is no name for a server of TLS",
    }, { body:match "^(.-)\n(.-)\n(.-)\n(.-)\n(.-)\n(.-)\n(.-)$" })
  end)

  it("shows a certificate of its own", function()
    local own = ca:issue { cn = "me", usage = "clientAuth" }
    local server = tls_nginx.start { certificate = certificate, client_ca = ca,
      tells = "$ssl_client_s_dn" }
    local body = run([[
      return assert(neap.http.request { url = url, method = "POST", body = "x",
        tls = { ca = ca, certificate = certificate, key = key } }).body
    ]], { url = server.url .. "/", ca = ca.pem, certificate = own.pem, key = own.key })
    assert.equal("CN=me", body)
  end)

  it("says what is wrong with a certificate or a setting", function()
    local late = ca:issue { ips = { "127.0.0.1" }, seconds = -60 }
    local alone = pki.self_signed { ips = { "127.0.0.1" } }
    local client = ca:issue { ips = { "127.0.0.1" }, usage = "clientAuth" }
    local nameless = ca:issue { cn = "127.0.0.1" }
    local values = { ca = ca.pem }
    for name, one in pairs { late = late, alone = alone, client = client, nameless = nameless } do
      values[name] = tls_nginx.start({ certificate = one }).url .. "/"
    end
    local body = run([[
      local told = {}
      for _, url in ipairs { late, alone, client, nameless } do
        table.insert(told, (select(2, neap.http.get(url, { tls = { ca = ca } }))))
      end
      table.insert(told, (select(2, neap.http.get(late, { tls = { ca = "none" } }))))
      table.insert(told, (select(2, pcall(neap.http.get, late, { tls = { cert = "x" } }))))
      return table.concat(told, "\n")
    ]], values)
    assert.equal(table.concat({
      "the certificate expired on " .. os.date("!%Y-%m-%d", late.not_after),
      "self-signed certificate",
      "the certificate is not for servers (extendedKeyUsage)",
      "the certificate has no names (subjectAltName)",
      "tls.ca: a certificate is expected in it, PEM",
      "http: tls: unknown option 'cert'; did you mean 'certificate'?",
    }, "\n"), (body:gsub("[^\n]*policy.lua:%d+: ", "")))
  end)

  it("keeps connections for who asks on the same terms", function()
    local server = tls_nginx.start { certificate = certificate, tells = "$connection_requests" }
    local body = run([[
      local told = {}
      local function ask(tls)
        table.insert(told, assert(neap.http.get(url, { tls = tls })).body)
      end
      ask { ca = ca } ask { ca = ca } ask { ca = ca, server_name = "a.test" } ask { ca = ca }
      return table.concat(told, " ")
    ]], { url = server.url .. "/", ca = ca.pem })
    assert.equal("1 2 1 3", body)
  end)

  it("keeps them for requests with a body, too", function()
    local server = tls_nginx.start { certificate = certificate, tells = "$connection_requests" }
    local body = run([[
      for _ = 1, 10 do -- one that was idle for a second is not used
        local answer = assert(neap.http.request { url = url, method = "POST", body = "x",
          tls = { ca = ca } })
        if answer.body == "2" then return "again" end
      end
      return "never"
    ]], { url = server.url .. "/", ca = ca.pem })
    assert.equal("again", body)
  end)

  it("sends again what may be sent twice, and nothing else, when a kept one ends", function()
    local path = scope.directory() .. "/requests"
    local server = tls_nginx.start { certificate = certificate, content = ([[access_log %s;
      location /gone { return 444; } location / { return 200 "well"; }]]):format(path) }
    local body = run([[
      local told = {}
      for _, method in ipairs { "POST", "PUT" } do
        assert(neap.http.get(url, { tls = { ca = ca } }))
        local answer, why = neap.http.request { url = url .. "gone", method = method, body = "x",
          tls = { ca = ca } }
        table.insert(told, answer and "answered" or why)
      end
      return table.concat(told, " ")
    ]], { url = server.url .. "/", ca = ca.pem })
    local words = "the peer cut off without close_notify"
    assert.equal(words .. " " .. words, body)
    local function count(method)
      return select(2, scope.read(path):gsub('"' .. method .. " /gone", ""))
    end
    eventually(function() return count "PUT" == 2 end)
    assert.equal(1, count "POST")
  end)

  it("resumes sessions, on the same terms only", function()
    local server = tls_nginx.start { certificate = certificate,
      content = 'keepalive_timeout 0; location / { return 200 "$ssl_session_reused"; }' }
    local body = run([[
      local told = {}
      local function ask(tls)
        table.insert(told, assert(neap.http.get(url, { tls = tls })).body)
      end
      ask { verify = false }
      ask { ca = ca } ask { ca = ca } ask { ca = ca }
      ask { ca = ca, server_name = "a.test" } ask { ca = ca, server_name = "a.test" }
      return table.concat(told)
    ]], { url = server.url .. "/", ca = ca.pem })
    assert.equal("..rr.r", body)
  end)

  it("says when the other side does not speak TLS", function()
    local plain = origin.start { name = "plain", connection = function(conn)
      conn:read_some()
      conn:send "HTTP/1.0 400 Bad Request\r\n\r\n"
    end }
    local body = run([[return (select(2, neap.http.get(url, { timeout = 5 })))]],
      { url = "https://" .. plain.address .. "/" })
    assert.equal("what the peer sent is not TLS", body)
  end)
end)

describe("neap.tcp over TLS", function()
  it("speaks what it likes after the handshake", function()
    local server = tls_nginx.start { certificate = certificate, tells = "[$ssl_server_name]" }
    local body = run([[
      local tls = { ca = ca, server_name = "a.test" }
      local conn = assert(neap.tcp.connect(address, 5, { tls = tls }))
      assert(conn:send "GET / HTTP/1.0\r\n\r\n")
      return (conn:receive "*a"):match "%[.*%]"
    ]], { address = server.address, ca = ca.pem })
    assert.equal("[a.test]", body)
  end)
end)
