-- Against what is known of policies.

local sim = require "support.sim"

local function most(policy)
  local count = 0
  for _, backend in ipairs(policy.backends) do count = math.max(count, backend.count) end
  return count
end

local function named(result)
  local by_name = {}
  for _, policy in ipairs(result.policies) do by_name[policy.name] = policy end
  return by_name
end

describe("neap sim shows that", function()
  -- As many balls as bins (Azar et al. 1999): with two choices ln ln n / ln 2 + O(1) in the fullest
  -- one, at random about ln n / ln ln n.
  it("two choices fill the fullest of 10,000 backends with 3 to 5, dice with 6 to 9", function()
    local p = named(sim.run { "--policy two_choices --policy random --backends 10000 --rate 10000 "
      .. "--duration 1 --service fixed:1000 --concurrency 100 --timeout 5000" })
    assert.is_true(most(p.two_choices) >= 3 and most(p.two_choices) <= 5, most(p.two_choices))
    assert.is_true(most(p.random) >= 6 and most(p.random) <= 9, most(p.random))
  end)

  -- The supermarket model (Mitzenmacher 2001): with many queues at load x, a request takes
  -- sum of x^(2^i - 2) service times on average, where at random it takes 1 / (1 - x).
  it("two choices make the time that the supermarket model says", function()
    local p = named(sim.run { "--policy two_choices --policy random --backends 500 --rate 40000 "
      .. "--service exponential:10ms --duration 12 --warmup 2" })
    local sum = 0
    for i = 1, 8 do sum = sum + 0.8 ^ (2 ^ i - 2) end
    sim.near(sum * 0.01, p.two_choices.latency.mean, 0.02)
    sim.near(0.05, p.random.latency.mean, 0.04)
  end)

  it("least connections beat round robin where requests differ much", function()
    local p = named(sim.run { "--policy least_connections --against round_robin --backends 8 "
      .. "--rate 200 --service lognormal:15ms,1.2 --duration 600" })
    local least, turns = p.least_connections, p.round_robin
    assert.is_true(least.latency.p99 < turns.latency.p99 * 0.7)
    assert.is_true(least.queueing.mean < turns.queueing.mean * 0.3)
  end)

  it("round robin is even, and gives each its weight", function()
    local even = sim.run { "--rate 1000 --service fixed:1ms" }.policies[1]
    for _, backend in ipairs(even.backends) do sim.near(0.25, backend.share, 0.001) end
    local weighed = sim.run { "--rate 1000 --service fixed:1ms", "--backend", "b1 weight=5" }
    sim.near(5 / 8, weighed.policies[1].backends[1].share, 0.001)
  end)

  it("balancers that do not know of each other undo what round robin makes even", function()
    local flags = "--backends 10 --rate 700 --service exponential:10ms --duration 200"
    local one, twenty = sim.run { flags }, sim.run { flags .. " --balancers 20" }
    assert.is_true(twenty.policies[1].queueing.mean > one.policies[1].queueing.mean * 1.2)
    assert.equal(one.policies[1].requests, twenty.policies[1].requests)
  end)

  it("a client keeps its backend by its address, or by a cookie", function()
    local files = { ["seen.lua"] = [[
      local hash = require "neap.policy.%s" {}
      local first, moved = {}, 0
      local pick = hash.pick
      function hash.pick(request, pool)
        local backend = pick(request, pool)
        local known = first[request.client_ip]
        if known and known ~= backend.name then error(request.client_ip .. " has moved") end
        first[request.client_ip] = backend.name
        return backend
      end
      return hash
    ]] }
    for _, name in ipairs { "source", "cookie" } do
      local text = files["seen.lua"]:format(name)
      local p = sim.run { "--policy seen.lua --clients 50 --rate 1000 --service fixed:1ms",
        files = { ["seen.lua"] = text } }.policies[1]
      assert.equal(name == "source" and 0 or p.hook_errors, p.hook_errors)
      assert.is_true(p.hook_errors < p.requests / 100, name .. ": " .. p.hook_errors)
    end
  end)

  it("a file is the policy that it is in production, options and errors included", function()
    local files = {
      ["mine.lua"] = 'return function(o) return { pick = function(_, pool) '
        .. 'return pool:find(o.name) end } end',
      ["bad.lua"] = 'return { pick = function(_, pool)\nerror "no idea" end }',
    }
    local p = sim.run { "--policy bad.lua --rate 20", "--policy", "mine.lua name=b3",
      files = files }.policies
    assert.equal(p[1].requests, p[1].hook_errors)
    sim.near(0.25, p[1].backends[2].share, 0.01) -- the default decides
    assert.equal(1, p[2].backends[3].share)
    assert.matches("bad%.lua:2: no idea", sim.text { "--policy bad.lua", files = files })
  end)
end)
