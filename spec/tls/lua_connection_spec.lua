-- The hook `connection`: admission by address, before anything is read.

local admin = require "support.admin"
local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local s_client = require "support.s_client"
local tcp = require "support.tcp"

-- 127.0.0.2 is not let in.
local CLOSES = [[policy = { connection = function(c)
  require "neap".log.info("from %s for %s, %s", c.client_ip, c.service, type(c.client_port))
  if c.client_ip == "127.0.0.2" then return "close" end
end }]]

local function http(more)
  return neap.start { config = neap.config({ origin.start {} }, CLOSES .. (more or "")) }
end

local function connect(n, from) return client.connect(n.address, { from = from }) end

describe("the hook connection", function()
  it("closes by a reset whom it does not let in", function()
    local n = http ', admin = { listen = "127.0.0.1:0" }'
    assert.equal(200, n:get("/").status)
    n:wait_log "from 127.0.0.1 for %S+, number"
    local c = connect(n, "127.0.0.2")
    c:try_send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    local _, why = c:receive(1)
    assert.equal("reset", why)
    local metrics = admin.get(n, "/metrics").body
    assert.matches('neap_service_refused_total{[^}]*reason="policy"} 1\n', metrics)
  end)

  it("is asked for connections of tcp services, too", function()
    local n = tcp.start(tcp.echo, CLOSES)
    local good = connect(n)
    good:send "hello"
    assert.equal("hello", good:receive(5))
    -- The reset may come while the client is still connecting.
    local connected, bad = pcall(connect, n, "127.0.0.2")
    local why = bad
    if connected then why = select(2, bad:receive(1)) end
    assert.matches("reset$", why)
  end)

  it("comes before the handshake", function()
    local cert = pki.self_signed { names = { "a.test" } }
    local n = http((", tls = { certificate = %q, key = %q }"):format(cert.pem_path, cert.key_path))
    assert.equal(200, s_client.run({ port = n.port, name = "a.test" }).status)
    local r = s_client.run { port = n.port, args = { "-bind", "127.0.0.2:0" } }
    assert.is_false(r.ok)
    assert.equal(0, n:count_log "handshake with 127.0.0.2 failed")
  end)

  it("lets in when it errs, unless the service refuses then", function()
    local ERRS = [[policy = { connection = function() error "no rule" end }]]
    for more, is_let_in in pairs { [""] = true, [', on_error = "refuse"'] = false } do
      local n = neap.start {
        config = neap.config({ origin.start {} }, ERRS .. more),
        allow = { "hook connection of service" },
      }
      local c = client.connect(n.address)
      c:try_send "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
      local answer, why = c:receive(12)
      if is_let_in then assert.equal("HTTP/1.1 200", answer) else assert.equal("reset", why) end
      n:wait_log "hook connection of service [^\n]*no rule"
    end
  end)

  it("may not wait", function()
    local n = neap.start {
      config = neap.config({ origin.start {} },
        [[policy = { connection = function() require "neap".sleep(1) end }]]),
      allow = { "hook connection of service" },
    }
    assert.equal(200, n:get("/").status)
    n:wait_log "hook connection of service [^\n]*may not wait"
  end)

  it("is tried by neap -t", function()
    local code, output = neap.check(neap.config({ "http://127.0.0.1:1" },
      [[policy = { connection = function(c) return c.nothing end }]]))
    assert.equal(1, code)
    assert.matches("connection has no 'nothing'", output)
  end)
end)
