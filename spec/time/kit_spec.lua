-- `start` and `every` in the test kit, in simulations and replays.
local sim = require "support.sim"
local testing = require "neap.testing"

describe("the test kit", function()
  it("runs start and every before the first request", function()
    local told = {}
    local pool = testing.pool(2, { policy = {
      start = function() table.insert(told, "start") end,
      every = { [5] = function() table.insert(told, "every") end },
      request = function() table.insert(told, "request") end,
    } })
    pool:pick()
    assert.same({ "start", "every", "request" }, told)
  end)

  it("runs every as time passes, when it is asked to", function()
    local at = {}
    local pool
    pool = testing.pool(2, { policy = {
      every = { [2] = function() table.insert(at, pool:now()) end,
        [0.5] = function() pool:neap().sleep(3) end },
    } })
    pool:start()
    local began = at[1]
    pool:advance(10)
    assert.is_true(#at >= 5 and #at <= 6)
    assert.is_true(at[#at] - began <= 13)
  end)

  it("fails the spec when one errs, or notes it", function()
    local policy = { start = function() error "no list" end }
    assert.error_matches(function() testing.pool(1, { policy = policy }):start() end,
      "no list")
    local pool = testing.pool(1, { policy = policy, contain = true })
    assert.equals("b1", pool:pick())
    assert.equals("start", pool:errors()[1].hook)
  end)

  it("lets a simulation's policy work by the virtual clock", function()
    local result = sim.run {
      "--backends 2 --rate 10 --duration 60 --policy turns.lua",
      files = { ["turns.lua"] = [[
        local current = 1
        return {
          start = function() current = 2 end,
          every = { [30] = function() current = 3 - current end },
          pick = function(_, pool) return pool.all[current] end,
        }]] },
    }
    local shares = result.policies[1].backends
    assert.is_true(math.abs(shares[1].share - 0.5) < 0.1)
  end)
end)
