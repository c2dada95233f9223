local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local s_client = require "support.s_client"
local scope = require "support.scope"

local function config(tls, more)
  return neap.config({ origin.start {} }, ("tls = %s, workers = 2, %s"):format(tls, more or ""))
end

local function shown(n)
  local r = s_client.run { port = n.port, name = "localhost", args = { "-showcerts" } }
  assert.equal(200, r.status, r.log)
  return r.chain[1]
end

local function reload(n, number)
  n:signal "HUP"
  n:wait_log(("reloaded: generation %d serves"):format(number), 20)
end

describe("the certificate of tls.self_signed", function()
  it("stays the same over a worker's death, reloads and another binary", function()
    local n = neap.start { config = config "{ self_signed = true }", binary = neap.open_binary() }
    local first = shown(n)
    n:allow "worker"
    local before = table.concat(n:workers(), " ")
    for _, pid in ipairs(n:workers()) do process.signal(pid, "KILL") end
    eventually(function()
      local now = n:workers()
      return #now == 2 and not before:find(now[1], 1, true) and not before:find(now[2], 1, true)
    end, 10)
    eventually(function() return s_client.run { port = n.port, name = "localhost" }.ok end, 15)
    assert.equal(first, shown(n))
    for number = 2, 3 do
      reload(n, number)
      assert.equal(first, shown(n))
    end
    n:signal "USR2"
    local pid = tonumber((n:wait_log("upgraded: process (%d+) serves", 20)))
    scope.add { dispose = function()
      process.signal(pid, "TERM")
      eventually(function() return not process.exists(pid) end, 5)
    end }
    assert.equal(first, shown(n))
  end)

  it("is known again after a generation that needed none", function()
    local n = neap.start { config = config "{ self_signed = true }" }
    local first = shown(n)
    scope.write(n.dir .. "/config.lua", config "false")
    reload(n, 2)
    scope.write(n.dir .. "/config.lua", config "{ self_signed = true }")
    reload(n, 3)
    eventually(function()
      local r = s_client.run { port = n.port, name = "localhost", args = { "-showcerts" } }
      return r.chain[1] == first
    end, 15)
  end)

  it("is not taken from a file that happens to have its name", function()
    local n = neap.start { config = config "{ self_signed = true }",
      files = { ["self-signed"] = "nothing" } }
    assert.matches("BEGIN CERTIFICATE", shown(n))
  end)
end)
