local eventually = require "support.eventually"
local mutual = require "support.mutual"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local s_client = require "support.s_client"
local scope = require "support.scope"
local session = require "support.tls_session"

local EXPIRED = 45
local VERSIONS = mutual.VERSIONS
local require_of = mutual.require_of

local function random(bytes)
  local file = assert(io.open "/dev/urandom")
  local text = file:read(bytes)
  file:close()
  return text
end

describe("with tls.client, a session", function()
  local service, root, other, good
  setup(function()
    service = mutual.new()
    root = pki.ca { name = "clients" }
    other = pki.ca { name = "others" }
    good = root:issue { cn = "good", usage = "clientAuth" }
  end)

  local function options(port, cert, version)
    return { port = port, args = mutual.args(cert, version) }
  end

  it("of an open service does not lead into one that asks", function()
    local url = origin.start({ name = "web" }).url
    local text = [[return { workers = 1, services = {
      { name = "open", listen = "127.0.0.1:0", backends = { %q },
        tls = { certificate = %q, key = %q } },
      { name = "shut", listen = "127.0.0.1:0", backends = { %q }, %s } } }]]
    local n = neap.start { config = text:format(url, service.server.pem_path,
      service.server.key_path, url, service:tls(require_of(root))) }
    for _, version in ipairs(VERSIONS) do
      local path = session.make(options(n.ports[1], nil, version))
      assert.is_true((session.is_resumed(path, options(n.ports[1], nil, version))))
      local args = mutual.args(nil, version)
      table.insert(args, "-sess_in")
      table.insert(args, path)
      local r = s_client.run { port = n.ports[2], args = args }
      assert.is_false(r.is_resumed)
      assert.is_nil(r.status)
      path = session.make(options(n.ports[2], good, version))
      assert.is_false((session.is_resumed(path, options(n.ports[1], good, version))))
    end
  end)

  it("made before a reload that changed ca, crl or verify is not resumed", function()
    local n = service:start(require_of(root))
    local path = session.make(options(n.port, good))
    local is_resumed, r = session.is_resumed(path, options(n.port, good))
    assert.is_true(is_resumed)
    assert.equal(200, r.status)
    local both = root.dir .. "/both.pem"
    scope.write(both, root.pem .. other.pem)
    scope.write(n.dir .. "/config.lua", service:config(
      ('{ ca = %q, verify = "require" }'):format(both)))
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 20)
    assert.is_false((session.is_resumed(path, options(n.port, good))))
  end)

  -- Sessions of a certificate that is still good when they are made: on a slow machine its life
  -- must be longer.
  local function make_short(port, seconds)
    local short = root:issue { cn = "short", seconds = seconds }
    local ok, why = pcall(function()
      for _, version in ipairs(VERSIONS) do
        short[version] = session.make(options(port, short, version))
        assert.is_true((session.is_resumed(short[version], options(port, short, version))))
      end
    end)
    if os.time() >= short.not_after and seconds < 30 then return make_short(port, 3 * seconds) end
    if not ok then error(why, 0) end
    return short
  end

  it("ends with the client's certificate", function()
    local n = service:start(require_of(root))
    local short = make_short(n.port, 4)
    eventually(function() return os.time() > short.not_after end, 40, "the end of a certificate")
    for _, version in ipairs(VERSIONS) do
      local args = mutual.args(short, version)
      table.insert(args, "-sess_in")
      table.insert(args, short[version])
      local r = s_client.run { port = n.port, args = args }
      assert.is_false(r.is_resumed)
      assert.is_nil(r.status)
      assert.equal(EXPIRED, r.alert, r.log)
    end
  end)

  it("ends with the list that says the certificate is not revoked", function()
    local crl = root.dir .. "/short-crl.pem"
    local function life(version)
      local n = service:start(('{ ca = %q, verify = "require", crl = %q }')
        :format(root.pem_path, crl))
      local _, r = session.make(options(n.port, good, version))
      return tonumber(r.log:match "ticket lifetime hint: (%d+)")
    end
    for _, version in ipairs(VERSIONS) do
      scope.write(crl, root:crl { seconds = 1800 })
      assert.is_true(life(version) <= 1800)
      scope.write(crl, root:crl() .. root:crl { seconds = 1800 }) -- the last to end counts
      assert.equal(7200, life(version))
    end
  end)

  it("that is renewed ends with the authority that vouched for the client, too", function()
    local ca = pki.ca { name = "short-lived", seconds = 3600 }
    local cert = ca:issue { cn = "long", usage = "clientAuth" }
    local function machine(keys)
      local text = service:config(require_of(ca) .. ', tickets = { keys = "keys" }')
      return neap.start { config = text, files = { keys = keys } }
    end
    local function life(r) return tonumber(r.log:match "ticket lifetime hint: (%d+)") end
    local old, new = random(80), random(80)
    local first, second = machine(old), machine(new .. old)
    local path, r = session.make(options(first.port, cert))
    local before, since = life(r), os.time()
    assert.is_true(before <= 3600)
    eventually(function() return os.time() > since + 2 end, 10, "a later second")
    local is_resumed, renewed = session.is_resumed(path, options(second.port, cert))
    assert.is_true(is_resumed)
    assert.is_true(life(renewed) < before, renewed.log)
  end)
end)
