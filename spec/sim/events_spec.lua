local sim = require "support.sim"

local function window(result, second)
  local timeline = result.policies[1].timeline
  return math.floor(second / timeline.interval) + 1, timeline
end

describe("neap sim --event", function()
  it("kills a backend: its requests go elsewhere, and it comes back", function()
    local result = sim.run { "--rate 200 --service fixed:10ms --concurrency 4",
      "--event", "20s b2 down", "--event", "40s b2 up" }
    local p = result.policies[1]
    assert.equal(0, p.errors)
    assert.is_true(p.retries > 0)
    sim.near(0.25 * 40 / 60, p.backends[2].share, 0.1)
    local dead, timeline = window(result, 30)
    sim.near(4 / 3, timeline.imbalance[dead], 0.05)
    sim.near(1, timeline.imbalance[window(result, 10)], 0.05)
    sim.near(1, timeline.imbalance[window(result, 50)], 0.05)
  end)

  it("kills all: nobody answers until one is back", function()
    local p = sim.run { "--rate 100 --service fixed:10ms", "--event", "20s all down", "--event",
      "30s b1-b2 up" }.policies[1]
    assert.is_true(p.errors > 900 and p.errors < 1300, p.errors)
    assert.equal("no backend is up", p.reasons[1].reason)
  end)

  it("gives one that is back its share by and by, where the pool says slow_start", function()
    local function count(pool)
      return sim.run { "--rate 200 --service fixed:1ms --health 1", "--event", "1s b2 down",
        "--event", "19.5s b2 up", "--pool", pool }.policies[1].backends[2].count
    end
    local whole, part = count "panic=0", count "slow_start=20s"
    sim.near(41 * 50, whole, 0.03)
    sim.near(20 * 50 * 0.45, whole - part, 0.2) -- from a tenth of it to all of it, in 20 s
  end)

  it("uses dead ones, too, when the pool panics", function()
    local given = { "--rate 100 --service fixed:1ms --health 1", "--event", "1s b2-b3 down" }
    local p = sim.run(given).policies[1]
    assert.is_true(p.retries < 20)
    given[4], given[5] = "--pool", "panic=0.6"
    p = sim.run(given).policies[1]
    assert.equal(0, p.errors)
    assert.is_true(p.retries > 2000)
  end)

  it("drains: it ends what it has, and gets nothing new", function()
    local p = sim.run { "--rate 200 --service fixed:10ms --concurrency 4",
      "--event", "30s b2 drain" }.policies[1]
    assert.same({ 0, 0 }, { p.errors, p.retries })
    sim.near(0.25 / 2, p.backends[2].share, 0.05)
  end)

  it("makes one slower: least connections send it less, round robin do not", function()
    local result = sim.run { "--policy least_connections --against round_robin --rate 200 "
      .. "--service fixed:10ms --concurrency 8", "--event", "0 b1 slow:5" }
    assert.is_true(result.policies[1].backends[1].share < 0.22)
    sim.near(0.25, result.policies[2].backends[1].share, 0.01)
    sim.near(0.05, result.policies[2].latency.p99, 0.01)
  end)

  it("lets one fail, and changes weights", function()
    local p = sim.run { "--rate 100 --service fixed:10ms", "--event", "0 b1 fail:0.5", "--event",
      "0 b4 weight:0" }.policies[1]
    assert.equal("status 503", p.reasons[1].reason)
    sim.near(p.backends[1].count / 2, p.errors, 0.1)
    assert.equal(0, p.backends[4].count)
  end)

  it("gives up on what takes too long, as a balancer does", function()
    local p = sim.run { "--backends 1 --rate 20 --service bimodal:1ms,3,0.05 --timeout 0.5 "
      .. "--duration 200 --concurrency 50" }.policies[1]
    assert.equal("timeout", p.reasons[1].reason)
    sim.near(0.05, p.errors / p.requests, 0.15)
    assert.is_true(p.latency.max <= 0.5)
  end)

  it("lets requests wait for a slot, for 5 s at most", function()
    local given = { "--backends 1 --rate 5 --service fixed:150ms --duration 100", "--backend",
      "b1 slots=1" }
    local p = sim.run(given).policies[1]
    assert.equal(0, p.errors)
    assert.equal(0, p.backends[1].longest_queue)
    assert.is_true(p.queueing.max > 0.15)
    given[1] = given[1]:gsub("150ms", "400ms")
    p = sim.run(given).policies[1]
    assert.equal("queue timeout", p.reasons[1].reason)
    assert.is_true(p.latency.max < 5.5)
  end)
end)
