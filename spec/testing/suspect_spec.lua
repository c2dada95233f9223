-- Suspects in the test kit: as the agent treats them, at once.

local testing = require "neap.testing"

local function start(names, more)
  local options = more or {}
  options.policy = options.policy or "round_robin"
  return testing.pool(names, options)
end

local function states(pool)
  local list = {}
  for i, backend in ipairs(pool.all) do list[i] = backend.state end
  return list
end

describe("a suspect in the test kit", function()
  it("is down after three failures in a row, though a check that connects finds it well", function()
    local pool = start { "b1", "b2" }
    pool:garble "b1"
    for _ = 1, 2 do pool:send {} end -- each is tried again, so each begins with b1
    assert.same({ "up", "up" }, states(pool))
    pool:send {}
    assert.same({ "down", "up" }, states(pool))
    pool:advance(1.1)
    assert.same({ "up", "up" }, states(pool))
  end)

  it("is down at once when its check fails", function()
    local pool = start({ "b1", "b2" }, { health = { type = "http" } })
    pool:garble "b1"
    for _ = 1, 2 do pool:send {} end
    assert.same({ "down", "up" }, states(pool))
  end)

  it("is down at once when the policy's check says so, which `changed` is told", function()
    local told
    local pool = start({ "b1", "b2" }, { policy = {
      check = function() return false, "no" end,
      changed = function(backend, old, new, reason)
        told = ("%s %s %s %s"):format(backend.name, old, new, reason)
      end,
    } })
    pool:reset("b1", 1)
    for _ = 1, 2 do pool:send {} end
    assert.same({ "down", "up" }, states(pool))
    assert.equal("b1 up down no", told)
  end)

  it("begins anew after a good answer", function()
    local pool = start { "b1", "b2" }
    for _ = 1, 5 do
      pool:reset("b1", 2)
      for _ = 1, 6 do pool:send {} end
    end
    assert.same({ "up", "up" }, states(pool))
  end)

  it("is never taken out when no other one serves", function()
    local pool = start { "b1", "b2" }
    pool:garble "b1"
    pool:garble "b2"
    for _ = 1, 10 do pool:send {} end
    local up = 0
    for _, state in ipairs(states(pool)) do up = up + (state == "up" and 1 or 0) end
    assert.equal(1, up)
  end)
end)
