-- Hedging, as `--pool 'hedge.after=… hedge.share=…'` simulates it.

local sim = require "support.sim"

local function one(flags, ...)
  return sim.run { flags, ... }.policies[1]
end

local BIMODAL = "--policy least_connections --backends 10 --rate 200 --concurrency 8 "
  .. "--service bimodal:10ms,500ms,0.03 --duration 120"

local function answers(policy)
  return policy.requests - policy.errors
end

describe("neap sim with hedges", function()
  -- "The Tail at Scale" (Dean and Barroso 2013): a request that is sent again after the time within
  -- which 95 % are answered makes the tail much shorter, for a few per cent of load.
  it("halves the p99 of a bimodal service, and more, for at most 5 % more requests", function()
    local without = one(BIMODAL)
    local with = one(BIMODAL, "--pool", "hedge.after=20ms hedge.share=0.05")
    assert.is_true(with.latency.p99 < without.latency.p99 / 2, with.latency.p99)
    assert.is_true(with.hedges > 0 and with.hedges <= with.requests * 0.05, with.hedges)
    assert.is_true(with.hedges_won > with.hedges * 0.9)
    assert.equal(without.requests, with.requests)
    assert.equal(0, without.hedges)
    local sent = 0
    for _, backend in ipairs(with.backends) do sent = sent + backend.count end
    assert.equal(with.requests + with.hedges, sent)
  end)

  it("keeps to the share when all requests are slow", function()
    for _, balancers in ipairs { "", " --balancers 3" } do
      local policy = one("--backends 4 --rate 100 --concurrency 100 --service fixed:1s "
        .. "--duration 60" .. balancers, "--pool", "hedge.after=100ms hedge.share=0.1")
      assert.is_true(policy.hedges > policy.requests * 0.08, policy.hedges)
      assert.is_true(policy.hedges <= policy.requests * 0.1 + 1, policy.hedges)
      assert.equal(0, policy.hedges_won)
    end
  end)

  it("asks no second backend where there is none", function()
    assert.equal(0, one("--backends 1 --rate 10", "--pool", "hedge.after=1ms hedge.share=1").hedges)
  end)

  it("loses no request when backends die, are slow or time out meanwhile", function()
    local policy = one("--backends 6 --rate 150 --concurrency 2 --service exponential:50ms "
      .. "--timeout 0.5 --duration 60", "--pool", "hedge.after=60ms hedge.share=0.3",
      "--event", "10s b2 down", "--event", "20s b2 up", "--event", "15s b3 slow:20",
      "--event", "30s b3 slow:1", "--event", "35s b4 down", "--event", "40s b4 up")
    assert.is_true(policy.hedges_won > 100)
    assert.is_true(answers(policy) > policy.requests * 0.9)
    for _, backend in ipairs(policy.backends) do assert.is_true(backend.count > 0) end
    local closed = one("--backends 3 --arrivals closed:10,100ms --service exponential:20ms "
      .. "--duration 60", "--pool", "hedge.after=30ms hedge.share=1")
    assert.equal(closed.requests, answers(closed))
    assert.is_true(closed.requests > 2500, closed.requests) -- the users go on
  end)

  it("hedges only what is safe", function()
    local lines = {}
    for i = 1, 40 do
      lines[i] = ('{"time":%d,"method":"%s","target":"/","duration":0.5}'):format(1e9 + i,
        i % 2 == 0 and "POST" or "GET")
    end
    local policy = sim.run { "--trace log --backends 3", "--pool",
      "hedge.after=100ms hedge.share=1",
      files = { log = table.concat(lines, "\n") .. "\n" } }.policies[1]
    assert.equal(20, policy.hedges)
  end)

  it("refuses what is impossible", function()
    assert.matches("hedge.share goes with hedge.after",
      sim.fails { "--rate 1", "--pool", "hedge.share=0.1" }, 1, true)
    assert.matches("hedge.after '0' is impossible",
      sim.fails { "--rate 1", "--pool", "hedge.after=0" }, 1, true)
    assert.matches("unknown key 'hedge'", sim.fails { "--rate 1", "--pool", "hedge=1" }, 1, true)
  end)
end)
