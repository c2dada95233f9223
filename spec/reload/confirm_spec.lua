local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

-- With a new config in the file. What waits in the queue of an address is answered by that when it
-- has taken over.
local function start()
  local n = admin.start { origin.start { name = "old" } }
  local path = n.dir .. "/config.lua"
  local old = scope.read(path)
  local url = origin.start({ name = "new" }).url
  local new = old:gsub('backends = { "[^"]*" }', ("backends = { %q }"):format(url))
  assert.not_equal(old, new)
  scope.write(path, new)
  return n
end

local function is_late(n) return n:count_log "has not confirmed" > 0 end

-- The old generation has a second to confirm. `try` returns what holds if it came in time; on a
-- machine too busy for that it is tried again.
local function in_time(try)
  local n, check
  for _ = 1, 8 do
    n = start()
    check = try(n)
    if not is_late(n) then return check() end
  end
  error "the second was always over"
end

local function assert_not_said(n, pattern)
  eventually.always(function() return n:count_log(pattern) == 0 or is_late(n) end, 0.1)
end

local function command(n)
  return process.spawn { argv = { neap.binary, "reload", "--pid", tostring(n.pid) } }
end

describe("a new generation is said to serve", function()
  for _, kind in ipairs { "worker", "agent" } do
    it("when the " .. kind .. " of the old one has confirmed that it accepts no more", function()
      in_time(function(n)
        local pid = kind == "agent" and n:agent() or n:workers()[1]
        process.signal(pid, "STOP")
        local asked = command(n)
        -- Those who come while only the agent is stopped may meet either config yet.
        eventually(function() return n:get("/").body == "new" end)
        assert_not_said(n, "generation 2 serves")
        process.signal(pid, "CONT")
        assert.equal(0, (asked:wait(5)))
        local body, generation = n:get("/").body, admin.status(n).generation
        return function()
          assert.matches("^reloaded: generation 2 serves ", asked:stdout())
          assert.same({ "new", 2 }, { body, generation })
        end
      end)
    end)
  end

  it("after a second even so, and the log says who did not confirm", function()
    local n = start()
    local pid = n:workers()[1]
    process.signal(pid, "STOP")
    local answer = admin.call(n, "POST", "/reload")
    assert.same({ status = "reloaded", generation = 2 }, answer.value)
    n:wait_log "warn worker 0 of generation 1 has not confirmed that it accepts no more"
    assert.equal("new", n:get("/").body)
    process.signal(pid, "CONT")
    eventually(function() return #n:children() == 2 end)
  end)

  it("when one that did not confirm is dead", function()
    in_time(function(n)
      local pid = n:workers()[1]
      n:allow "worker 0 .* killed by signal 9"
      process.signal(pid, "STOP")
      n:signal "HUP"
      assert.equal("new", n:get("/").body)
      assert_not_said(n, "generation 2 serves")
      process.signal(pid, "KILL")
      n:wait_log "generation 2 serves"
      return function() assert.equal("new", n:get("/").body) end
    end)
  end)

  it("after what was asked for meanwhile, by a reload of its own", function()
    in_time(function(n)
      local pid = n:workers()[1]
      process.signal(pid, "STOP")
      n:signal "HUP"
      assert.equal("new", n:get("/").body)
      local asked = command(n)
      assert_not_said(n, "generation %d serves")
      process.signal(pid, "CONT")
      assert.equal(0, (asked:wait(5)))
      return function() assert.matches("^reloaded: generation 3 serves ", asked:stdout()) end
    end)
  end)
end)

describe("an upgraded process is said to serve", function()
  it("when the workers of the old one have confirmed that they accept no more", function()
    in_time(function(n)
      local pid = n:workers()[1]
      process.signal(pid, "STOP")
      n:signal "USR2"
      assert.equal("new", n:get("/").body)
      assert_not_said(n, "upgraded: ")
      local ready = n:count_log " ready: "
      process.signal(pid, "CONT")
      local other = tonumber((n:wait_log "upgraded: process (%d+) serves"))
      local body = n:get("/").body
      n:wait_log " ready: .* ready: "
      assert.equal(0, n:wait(5))
      process.signal(other, "TERM")
      eventually(function() return not process.exists(other) end)
      return function() assert.same({ "new", 1 }, { body, ready }) end
    end)
  end)
end)
