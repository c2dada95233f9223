local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local scope = require "support.scope"

local POLICY = 'return { request = function() return neap.reply { body = %q } end }'

local function policy(word) return 'local neap = require "neap"\n' .. POLICY:format(word) end

local function start(more)
  local n = neap.start {
    config = neap.config({ origin.start {} }, 'policy = "policy.lua", ' .. (more or "")),
    files = { ["policy.lua"] = policy "one" },
    args = { "--watch" },
    allow = { "reload" },
  }
  assert.equal("one", n:get("/").body)
  return n
end

local function wait_body(n, word)
  eventually(function() return n:get("/").body == word end, 5, "the answer " .. word)
end

describe("--watch", function()
  it("reloads when a policy is written in place", function()
    local n = start()
    scope.write(n.dir .. "/policy.lua", policy "two")
    wait_body(n, "two")
    assert.equal(1, n:count_log "policy%.lua changed: reloading")
  end)

  it("reloads when an editor renames another file over it", function()
    local n = start()
    for _, word in ipairs { "two", "three" } do
      scope.write(n.dir .. "/.policy.swp", policy(word))
      assert(os.rename(n.dir .. "/.policy.swp", n.dir .. "/policy.lua"))
      wait_body(n, word)
    end
  end)

  it("tries again when what was wrong is mended, and only then", function()
    local n = start()
    scope.write(n.dir .. "/policy.lua", "return {")
    n:wait_log "reload failed: generation 1"
    scope.write(n.dir .. "/other.txt", "nothing to do with it")
    eventually.always(function() return n:count_log "reload failed" == 1 end, 0.6)
    scope.write(n.dir .. "/policy.lua", policy "mended")
    wait_body(n, "mended")
  end)

  it("sees the config come back, and files that the new one names", function()
    local n = start()
    os.remove(n.dir .. "/config.lua")
    n:wait_log "reload failed: generation 1"
    scope.write(n.dir .. "/new.lua", policy "new")
    scope.write(n.dir .. "/config.lua",
      neap.config({ origin.start {} }, 'policy = "new.lua"'))
    wait_body(n, "new")
    scope.write(n.dir .. "/new.lua", policy "newer")
    wait_body(n, "newer")
  end)

  it("does nothing when a file is touched, but not changed", function()
    local n = start()
    scope.write(n.dir .. "/policy.lua", policy "one")
    eventually.always(function() return n:count_log "changed: reloading" == 0 end, 0.6)
  end)

  it("sees certificates, keys and what else comes into a folder of them", function()
    local files = {}
    for _, name in ipairs { "a", "b", "c" } do
      local cert = pki.self_signed { names = { name .. ".test" } }
      files[name] = cert.pem .. cert.key
    end
    local n = neap.start {
      config = neap.config({ origin.start {} }, "tls = { certificates = { "
        .. "{ certificate = 'a.pem' }, 'certs/' } }"),
      files = { ["a.pem"] = files.a, ["certs/b.pem"] = files.b },
      args = { "--watch" },
      allow = { "reload" },
    }
    eventually.always(function() return n:count_log "changed: reloading" == 0 end, 0.6)
    scope.write(n.dir .. "/a.pem", files.c)
    n:wait_log "a%.pem changed: reloading"
    n:wait_log "reloaded: generation 2"
    scope.write(n.dir .. "/certs/c.pem", files.a)
    n:wait_log "certs/ changed: reloading"
    n:wait_log "reloaded: generation 3"
    eventually.always(function() return n:count_log "changed: reloading" == 2 end, 0.6)
  end)

  it("takes a certificate that neap signed itself for no file", function()
    local n = neap.start {
      config = neap.config({ origin.start {} }, "tls = { self_signed = true }"),
      args = { "--watch" },
    }
    eventually.always(function() return n:count_log "changed: reloading" == 0 end, 0.6)
  end)
end)
