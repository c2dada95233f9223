local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local process = require "support.process"
local scope = require "support.scope"
local session = require "support.tls_session"

local VERSIONS = { "-tls1_2", "-tls1_3" }

local function random(bytes)
  local file = assert(io.open "/dev/urandom")
  local text = file:read(bytes)
  file:close()
  return text
end

local function reload(n, number)
  n:signal "HUP"
  n:wait_log(("reloaded: generation %d serves"):format(number), 20)
end

describe("a session", function()
  local cert
  setup(function() cert = pki.self_signed { names = { "a.test", "b.test" } } end)

  local function config(more)
    return neap.config({ origin.start { name = "web" } },
      ("tls = { certificate = %q, key = %q, %s }, workers = 2")
        :format(cert.pem_path, cert.key_path, more or ""))
  end
  local function start(more, files)
    return neap.start { config = config(more), files = files, binary = neap.open_binary() }
  end
  local function options(n, version, name)
    return { port = n.port, name = name or "a.test", args = { version } }
  end
  local function resumes(n, path, version)
    return (session.is_resumed(path, options(n, version)))
  end

  it("is resumed by any worker, in both versions", function()
    local n = start()
    for _, version in ipairs(VERSIONS) do
      local path = session.make(options(n, version))
      for _ = 1, 3 do
        local is_resumed, r = session.is_resumed(path, options(n, version))
        assert.is_true(is_resumed, r.log)
        assert.equal(200, r.status)
      end
    end
  end)

  it("outlives a worker's death, a reload and another binary", function()
    local n = start()
    local paths = {}
    for _, version in ipairs(VERSIONS) do paths[version] = session.make(options(n, version)) end
    local function all_resume()
      for version, path in pairs(paths) do assert.is_true(resumes(n, path, version)) end
    end
    n:allow "worker"
    local before = table.concat(n:workers(), " ")
    for _, pid in ipairs(n:workers()) do process.signal(pid, "KILL") end
    eventually(function()
      local now = n:workers()
      return #now == 2 and not before:find(now[1], 1, true) and not before:find(now[2], 1, true)
    end, 10)
    eventually(all_resume, 10)
    reload(n, 2)
    all_resume()
    n:signal "USR2"
    local pid = tonumber((n:wait_log("upgraded: process (%d+) serves", 20)))
    scope.add { dispose = function()
      process.signal(pid, "TERM")
      eventually(function() return not process.exists(pid) end, 5)
    end }
    all_resume()
  end)

  it("is not resumed under another name", function()
    local n = start()
    for _, version in ipairs(VERSIONS) do
      local path = session.make(options(n, version))
      assert.is_false((session.is_resumed(path, options(n, version, "b.test"))))
    end
  end)

  it("is not resumed with tickets = false, and no ticket is given", function()
    local n = start "tickets = false"
    for _, version in ipairs(VERSIONS) do
      local path, r = session.make(options(n, version))
      assert.is_nil(r.log:find "TLS session ticket:")
      assert.is_true(path == nil or not resumes(n, path, version))
    end
  end)

  it("is resumed on another machine with the same file of keys", function()
    local old, new = random(80), random(80)
    local keys = 'tickets = { keys = "keys" }'
    local one = start(keys, { keys = old })
    local rotated = start(keys, { keys = new .. old })
    local other = start(keys, { keys = new })
    for _, version in ipairs(VERSIONS) do
      local path = session.make(options(one, version))
      assert.is_true(resumes(one, path, version))
      assert.is_true(resumes(rotated, path, version))
      assert.is_false(resumes(other, path, version))
    end
    -- The first key encrypts.
    assert.is_true(resumes(other, (session.make(options(rotated, "-tls1_3"))), "-tls1_3"))
  end)

  it("needs a file of whole, random keys", function()
    for _, row in ipairs { { random(79), "79 bytes, but a key is 80" },
      { ("\0"):rep(80), "not random" }, { "", "is empty" } } do
      local code, said = neap.check(config 'tickets = { keys = "keys" }',
        { files = { keys = row[1] } })
      assert.equal(1, code)
      assert.truthy(said:find("tls.tickets.keys: ", 1, true), said)
      assert.truthy(said:find(row[2], 1, true), said)
    end
  end)
end)
