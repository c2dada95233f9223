-- A process that a signal killed inside a hook: the hook is left out.
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local CRASH = [[
  local ffi = require "ffi"
  ffi.cdef "int raise(int number);"
  local function crash() ffi.C.raise(6) end -- as abort does; sanitizers keep SIGSEGV for themselves
]]

local function start(policy, web, more)
  local file = scope.directory() .. "/crash"
  local n = neap.start {
    config = neap.config(web, ('unsafe = true, policy = "policy.lua" %s'):format(more or "")),
    files = {
      ["policy.lua"] = ("%slocal FILE = %q\nreturn { %s }"):format(CRASH, file, policy),
    },
    allow = { "killed by signal", "left out", "is tripped" },
  }
  n.crash = file
  return n
end

local function answer(n, path)
  return eventually(function()
    local ok, got = pcall(client.get, n.address, path)
    return ok and got
  end)
end

local NO_CHECKS = ', health = { type = "none" }'

describe("a hook in which its worker crashed", function()
  local web

  before_each(function() web = origin.several(1) end)

  it("is left out", function()
    local n = start("request = function() crash() end", web, NO_CHECKS)
    pcall(client.get, n.address, "/") -- its connection is lost
    n:wait_log "killed by signal 6 .*: in hook request of service 1, which is left out for 30 s"
    for _ = 1, 3 do assert.equal(200, answer(n, "/").status) end
    assert.equal(1, n:count_log "killed by signal")
  end)

  it("refuses, in a guard", function()
    local n = start("request = function(r) if r.path == '/x' then crash() end end", web,
      NO_CHECKS .. ", guard = true")
    assert.equal(200, n:get("/").status)
    pcall(client.get, n.address, "/x")
    n:wait_log "in hook request"
    for _ = 1, 3 do assert.equal(503, answer(n, "/").status) end
  end)

  it("is left out of checks as well", function()
    local n = start([[check = function()
      if io.open(FILE) then crash() end
      return true
    end]], web, ", health = { interval = 0.2 }")
    scope.write(n.crash, "now")
    n:wait_log "killed by signal 6 .*: in hook check of service 1"
    eventually.always(function() return n:count_log "killed by signal" == 1 end, 1)
    assert.equal(200, answer(n, "/").status)
  end)

  it("is not left out for a kill from outside", function()
    local n = start("request = function(r) if r.path == '/x' then while true do end end end", web,
      NO_CHECKS)
    process.signal(n:workers()[1], "KILL")
    assert.equal(200, answer(n, "/").status)
    assert.equal(0, n:count_log "left out")
  end)
end)
