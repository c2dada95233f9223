-- Certificates from a real ACME CA: pebble, which looks at the challenges for real.
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local pebble = require "support.pebble"
local process = require "support.process"
local s_client = require "support.s_client"
local scope = require "support.scope"
local stat = require "posix.sys.stat"
local dirent = require "posix.dirent"
local unistd = require "posix.unistd"

local LIMIT = 60
local UNRECOGNIZED_NAME = 112

-- The policy answers everything, so that a challenge which reached it would fail.
local CONFIG = [[
return { workers = 2, services = { { name = "web", mode = "%s", listen = { %s }, %s
  tls = { acme = { domains = { "a.test", "b.test" }, directory = "%s", ca = "%s", storage = "%s",
    agree = true, %s } } } } }
]]
local REPLY = [[policy = { request = function()
  return require("neap").reply { status = 403, body = "no" }
end },]]

describe("certificates from pebble", function()
  local http, tls, http_port, tls_port, storage, ca, trust

  setup(function() trust = pebble.trust() end)

  before_each(function()
    http, http_port = net.refused()
    tls, tls_port = net.refused()
    storage = scope.directory() .. "/store"
  end)

  local function start_ca(options)
    options = options or {}
    options.http, options.tls, options.trust = http_port, tls_port, trust
    ca = pebble.start(options)
  end

  local function start(more, listen, mode, serves)
    listen = listen or ('{ address = "%s", tls = false }, "%s"'):format(http, tls)
    local n = neap.start {
      config = CONFIG:format(mode or "http", listen, serves or REPLY, ca.directory, ca.ca, storage,
        more or ""),
    }
    n:allow "no certificate:"
    return n
  end

  local function shake(name, args)
    return s_client.run { port = tls_port, name = name, args = args }
  end

  local function serial(name)
    local r = shake(name or "a.test", { "-showcerts" })
    return r.chain[1]
  end

  -- Handshakes for both names succeed, with certificates of this CA for them.
  local function expect_both(n)
    for _, name in ipairs { "a%.test", "b%.test" } do
      n:wait_log(name .. " of service web: new certificate, valid until", LIMIT)
    end
    local root = ca:root()
    for _, name in ipairs { "a.test", "b.test" } do
      local r = shake(name, { "-CAfile", root, "-verify_hostname", name })
      assert.equal(0, r.verify, r.log)
      assert.equal(403, r.status)
    end
  end

  it("are got by http-01, kept in files of their own, and used again after a restart", function()
    start_ca()
    local n = start()
    expect_both(n)
    local before = serial()
    local files = 0
    for file in dirent.files(storage) do
      local path = storage .. "/" .. file
      if file:sub(1, 1) ~= "." then
        files = files + 1
        assert.equal(tonumber("600", 8), stat.stat(path).st_mode % 512, file)
      end
    end
    assert.equal(3, files)
    n:stop()
    ca:kill()
    n = start()
    assert.equal(before, serial())
    n:allow "was killed by signal 9"
    process.signal(n:agent(), "KILL") -- what it left to the workers stays
    assert.equal(before, serial())
    n:signal "HUP"
    n:wait_log("generation 2 serves", LIMIT)
    assert.equal(before, serial())
    assert.equal(0, n:count_log "tls%.acme")
  end)

  it("are got with a `ca` that only root may read", function()
    if unistd.geteuid() ~= 0 then return pending "needs root" end
    start_ca()
    local places = scope.directory()
    local own_ca = places .. "/ca.pem"
    storage = places .. "/store"
    scope.write(own_ca, scope.read(ca.ca))
    assert(stat.mkdir(storage))
    process.run { argv = { "chown", "nobody", storage } }
    process.run { argv = { "chmod", "600", own_ca } }
    process.run { argv = { "chmod", "755", places } }
    local config = CONFIG:gsub("workers = 2", "%0, user = 'nobody'")
    neap.start {
      config = config:format("http", ('{ address = "%s", tls = false }, "%s"'):format(http, tls),
        REPLY, ca.directory, own_ca, storage, ""),
      binary = neap.open_binary(),
    }:wait_log("a%.test of service web: new certificate", LIMIT)
  end)

  it("are waited for while the CA is away: names are not recognized until then", function()
    start_ca()
    ca:kill()
    local n = start()
    n:allow "handshake"
    n:wait_log("no certificate: .*connection refused; none serves yet; next try in 5 s", LIMIT)
    assert.equal(UNRECOGNIZED_NAME, shake("a.test").alert)
    assert.equal(403, n:get("/").status)
    ca:start_again()
    expect_both(n)
  end)

  it("are got by tls-alpn-01 and renewed when short-lived, without a failed handshake", function()
    start_ca { life = 6 }
    local n = start('challenge = "tls-alpn-01"', ('"%s"'):format(tls))
    expect_both(n)
    local first, seen = serial(), 0
    eventually(function()
      local r = shake("a.test", { "-showcerts" })
      assert(r.ok, r.log)
      if r.chain[1] ~= first then first, seen = r.chain[1], seen + 1 end
      return seen == 2
    end, LIMIT)
    assert.equal(0, n:count_log "tls%.acme.*: no certificate")
  end)

  it("are got for tcp services, whose backend hears nothing of the challenge", function()
    start_ca()
    local fd, backend = net.listen(0)
    local n = start('challenge = "tls-alpn-01"', ('"%s"'):format(tls), "tcp",
      ('health = { type = "none" }, backends = { "tcp://%s" },'):format(backend))
    n:wait_log("a%.test of service web: new certificate", LIMIT)
    assert.is_nil((net.accept(fd)))
  end)

  it("may be got by an account that exists at the CA", function()
    local key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    start_ca { eab = { id = "kid-1", key = key } }
    local n = start()
    n:wait_log("the CA wants the key `eab`", LIMIT)
    n:stop()
    n = start(('eab = { id = "kid-1", key = "%s" }'):format(key))
    n:wait_log("a%.test of service web: new certificate", LIMIT)
    assert.equal(0, n:count_log(key:sub(1, 12)))
  end)
end)
