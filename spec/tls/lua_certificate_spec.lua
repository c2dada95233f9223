-- The hook `certificate`: a policy gives the certificate of a handshake, and may wait for it.

local client = require "support.client"
local cpu = require "support.cpu"
local eventually = require "support.eventually"
local hello = require "support.client_hello"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local s_client = require "support.s_client"

local UNRECOGNIZED_NAME = 112

describe("the hook certificate", function()
  local ca, configured, own
  setup(function()
    ca = pki.ca {}
    configured = ca:issue { cn = "configured", names = { "configured.test" } }
    own = ca:issue { cn = "own", names = { "own.test" } }
  end)

  -- hook: the body of its function(hello); OWN is the certificate "own".
  local function start(hook, options)
    options = options or {}
    local files = options.tls
      or ("{ certificate = %q, key = %q }"):format(configured.chain_path, configured.key_path)
    return neap.start {
      config = ([[local neap = require "neap"
local function OWN() return neap.certificate { certificate = %q, key = %q } end
]]):format(own.pem, own.key) .. neap.config({ options.origin or origin.start {} },
        ("tls = %s, %s policy = { certificate = function(hello)\n%s\nend }")
          :format(files, options.more or "", hook)),
      allow = options.allow,
    }
  end

  local function ask(n, name, args)
    if name == nil then name = "a.test" end
    return s_client.run { port = n.port, name = name, args = args }
  end

  local function shown(n, name, args) return s_client.shown(n, name or "a.test", args) end

  it("gives the certificate, or leaves it to the configured ones", function()
    local n = start 'if hello.sni == "own.test" then return OWN() end'
    for _, version in ipairs { "-tls1_2", "-tls1_3" } do
      assert.equal("own", (shown(n, "own.test", { version })))
      assert.equal("configured", (shown(n, "Other.test", { version })))
    end
  end)

  it("costs nothing while it waits, whatever clients send meanwhile", function()
    local n = start('neap.log.info "asked"; neap.sleep(60)',
      { more = "timeouts = { handshake = 60 }," })
    for i = 1, 10 do
      local c = client.connect(n.address)
      c:send(hello.of { sni = "a.test" } .. (i % 2 == 0 and ("more"):rep(100) or ""))
      if i % 2 == 1 then c:shutdown_write() end
    end
    eventually(function() return n:count_log "info asked" == 10 end)
    assert.is_true(cpu.share(n:workers()[1], 1) < 0.5)
  end)

  it("is told what the ClientHello says", function()
    local n = start [[neap.log.info("%s|%s|%s|%s|%s", hello.sni or "-",
      table.concat(hello.alpn or { "-" }, " "), table.concat(hello.versions, " "),
      hello.client_ip, hello.ja4)]]
    ask(n, "A.test.", { "-alpn", "h3,http/1.1" })
    n:wait_log "a.test|h3 http/1.1|TLSv1.3 TLSv1.2[^|]*|127.0.0.1|t13d"
    ask(n, false, { "-tls1_2" })
    n:wait_log "%-|%-|TLSv1.2|127.0.0.1|t12i"
  end)

  it("is asked once for a handshake with two hellos", function()
    local n = start [[neap.log.info "asked"
      return OWN()]]
    -- The first key share is of a group that neap does not take.
    assert.equal("own", (shown(n, "own.test", { "-groups", "P-521:X25519" })))
    assert.equal(1, n:count_log "asked")
  end)

  -- TLS 1.3 with X25519; the first hello has no key of it yet.
  local function hello_for(name, key)
    local share = key and hello.u16(29) .. hello.v16(("k"):rep(32)) or ""
    return hello.of { sni = name, ciphers = { 0x1301 }, versions = { 0x0304 },
      signatures = { 0x0403, 0x0804 },
      more = { { 10, hello.v16(hello.u16(29)) }, { 51, hello.v16(share) } } }
  end

  it("has chosen for one name: the second hello has no other", function()
    local n = start "if hello.sni == 'own.test' then return OWN() end"
    for _, names in ipairs { { "own.test", "OWN.test." }, { "own.test", "other.test" },
      { "own.test" }, { nil, "own.test" } } do
      local c = client.connect(n.address)
      c:send(hello_for(names[1]))
      assert.equal("\22\3\3", c:receive(3))
      local length = c:receive(2)
      c:receive(256 * length:byte(1) + length:byte(2))
      assert.equal("\20\3\3\0\1\1", c:receive(6))
      c:send(hello_for(names[2], true))
      local is_same = names[2] == "OWN.test."
      assert.equal(is_same and "\22" or "\21\3\3\0\2\2\47", c:receive(is_same and 1 or 7))
      c:close()
    end
  end)

  it("may wait, and others shake hands meanwhile", function()
    local gate = origin.start { handler = function(conn)
      conn:wait(0.3)
      return "ok"
    end }
    local n = start(([[if hello.sni ~= "own.test" then return end
      local answer = assert(neap.http.get("%s/", { timeout = 10 }))
      if answer.status == 200 then return OWN() end]]):format(gate.url))
    for _, version in ipairs { "-tls1_2", "-tls1_3" } do
      assert.equal("own", (shown(n, "own.test", { version })))
    end
    local waiting = client.connect(n.address)
    waiting:send(hello.of { sni = "own.test" })
    assert.equal("configured", (shown(n, "other.test")))
    waiting:close()
  end)

  it("costs its own handshake no more than the configured certificate when it fails", function()
    local HOOKS = {
      ["error"] = 'error "no store"',
      ["loops"] = "while true do end",
      ["does not end its wait"] = "neap.sleep(60)",
      ["gives no certificate"] = "return 5",
      ["gives a bad one"] = 'return neap.certificate { certificate = "x", key = "y" }',
    }
    for what, hook in pairs(HOOKS) do
      local n = start(hook, {
        more = "timeouts = { handshake = 2 },", allow = { "hook certificate of service" },
      })
      assert.equal("configured", (shown(n)), what)
      n:wait_log "hook certificate of service"
    end
  end)

  it("is not tripped by names whose certificates are junk", function()
    local n = start([[if hello.sni == "own.test" then return OWN() end
      return neap.certificate { certificate = "x", key = "y" }]],
      { allow = { "hook certificate of service" } })
    for _ = 1, 8 do assert.equal("configured", (shown(n, "junk.test"))) end
    assert.equal("own", (shown(n, "own.test")))
    assert.equal(0, n:count_log "keeps failing")
  end)

  it("is tripped when it keeps looping", function()
    local n = start([[if hello.sni == "own.test" then return OWN() end
      while true do end]], { allow = { "hook certificate of service" } })
    for _ = 1, 5 do assert.equal("configured", (shown(n, "loop.test"))) end
    n:wait_log "hook certificate of service %S+ keeps failing"
    assert.equal("configured", (shown(n, "own.test")))
  end)

  it("that gives none where none is configured ends the handshake with an alert", function()
    local n = start('if hello.sni == "own.test" then return OWN() end', { tls = "{}" })
    assert.equal("own", (shown(n, "own.test")))
    assert.equal(UNRECOGNIZED_NAME, ask(n).alert)
  end)

  it("or certificates must be there", function()
    local code, output = neap.check(neap.config({ "http://127.0.0.1:1" }, "tls = {}"))
    assert.equal(1, code)
    assert.matches("tls.certificate: missing", output)
  end)

  it("ends with its client", function()
    local n = start "neap.sleep(60)"
    local c = client.connect(n.address)
    c:send(hello.of { sni = "own.test" })
    c:close()
    n:signal "TERM"
    eventually(function() return not n:alive() end, 20)
  end)

  it("is tried by neap -t", function()
    local code, output = neap.check(neap.config({ "http://127.0.0.1:1" },
      ([[tls = { certificate = %q, key = %q }, policy = { certificate = function(hello)
        return hello.sni .. hello.nothing
      end }]]):format(configured.chain_path, configured.key_path)))
    assert.equal(1, code)
    assert.matches("certificate of service", output)
  end)
end)
