-- Limits in the simulation: what they would refuse of the traffic that is tried.

local sim = require "support.sim"

local RATE = [[
  local neap = require "neap"
  local limit = neap.limit { rate = 50, burst = 10 }
  return { request = function()
    if not limit:take "all" then return neap.reply { status = 429 } end
  end }]]

local AT_ONCE = [[
  local neap = require "neap"
  local at_once = neap.concurrency { limit = 2 }
  return { request = function()
    if not at_once:enter "all" then return neap.reply { status = 503 } end
  end }]]

local KEPT = [[
  local neap = require "neap"
  local seen, more = neap.shared "seen", neap.shared "more"
  return { request = function(request)
    more:set("last", request.path)
    if seen:increment("n", 1, 0) > 500 then return neap.reply { status = 429 } end
  end }]]

local function passed(policy) return policy.requests - policy.errors end

describe("neap sim shows that", function()
  it("a limit lets its rate and its burst pass, and refuses the rest", function()
    local text = sim.text { "--policy limit.lua --rate 100 --duration 20 --service fixed:1ms",
      files = { ["limit.lua"] = RATE } }
    assert.matches("errors: status 429", text)
    local policy = sim.run({ "--policy limit.lua --rate 100 --duration 20 --service fixed:1ms",
      files = { ["limit.lua"] = RATE } }).policies[1]
    assert.is_true(passed(policy) <= 1010 and passed(policy) > 990, passed(policy))
  end)

  it("the stores that a policy's file names are there, without being declared", function()
    for _, count in ipairs { 1, 2 } do -- each balancer has its own
      local policy = sim.run({ "--policy kept.lua --rate 100 --duration 20 --service fixed:1ms "
        .. "--balancers " .. count, files = { ["kept.lua"] = KEPT } }).policies[1]
      assert.equal(500 * count, passed(policy))
    end
  end)

  it("a limit of two at once serves as many as two can be served", function()
    local policy = sim.run({ "--policy at_once.lua --rate 200 --duration 20 --service fixed:100ms "
      .. "--backends 1 --concurrency 10", files = { ["at_once.lua"] = AT_ONCE } }).policies[1]
    assert.is_true(passed(policy) <= 402 and passed(policy) > 370, passed(policy))
    assert.is_true(policy.latency.max < 0.11, policy.latency.max)
  end)
end)
