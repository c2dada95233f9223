-- Against what queueing theory knows in closed form.

local sim = require "support.sim"

-- The time that a share of all requests does not exceed, in M/M/1.
local function mm1_quantile(share, arrivals, services)
  return -math.log(1 - share) / (services - arrivals)
end

-- Erlang's C: the probability that all c places are taken (a: offered load in Erlang).
local function erlang_c(c, a)
  local b = 1
  for k = 1, c do b = a * b / (k + a * b) end
  return b / (1 - a / c * (1 - b))
end

describe("neap sim gives what is known of", function()
  it("M/M/1: mean and percentiles of latency and queueing, and utilisation", function()
    local p = sim.run { "--backends 1 --rate 70 --service exponential:10ms --duration 15000 "
      .. "--warmup 20" }.policies[1]
    sim.near(1 / 30, p.latency.mean, 0.02)
    sim.near(1 / 30 - 0.01, p.queueing.mean, 0.02)
    sim.near(mm1_quantile(0.5, 70, 100), p.latency.p50, 0.02)
    sim.near(mm1_quantile(0.99, 70, 100), p.latency.p99, 0.02)
    sim.near(0.7, p.backends[1].utilisation, 0.02)
  end)

  it("M/M/1, over four backends among which requests are dealt at random", function()
    local p = sim.run { "--policy random --backends 4 --rate 240 --service exponential:10ms "
      .. "--duration 4000 --warmup 20" }.policies[1]
    sim.near(1 / 40, p.latency.mean, 0.02)
    sim.near(mm1_quantile(0.9, 60, 100), p.latency.p90, 0.02)
    sim.near(mm1_quantile(0.99, 60, 100), p.latency.p99, 0.02)
    for _, backend in ipairs(p.backends) do sim.near(0.25, backend.share, 0.02) end
  end)

  it("M/M/c: the mean wait, by Erlang's C", function()
    for _, case in ipairs { { c = 2, rate = 150 }, { c = 8, rate = 560 } } do
      local p = sim.run { ("--backends 1 --concurrency %d --rate %d --service exponential:10ms "
        .. "--duration %d --warmup 20"):format(case.c, case.rate, 800000 / case.rate) }.policies[1]
      local wait = erlang_c(case.c, case.rate / 100) / (case.c * 100 - case.rate)
      sim.near(wait, p.queueing.mean, 0.02)
      sim.near(wait + 0.01, p.latency.mean, 0.02)
    end
  end)

  it("M/D/1 and M/G/1: the mean wait, by Pollaczek and Khinchine", function()
    local fixed = sim.run { "--backends 1 --rate 70 --service fixed:10ms --duration 6000" }
    sim.near(0.7 * 0.01 / (2 * (1 - 0.7)), fixed.policies[1].queueing.mean, 0.02)

    local two = sim.run { "--backends 1 --rate 50 --service bimodal:5ms,55ms,0.1 --duration 12000" }
    local second_moment = 0.9 * 0.005 ^ 2 + 0.1 * 0.055 ^ 2
    sim.near(50 * second_moment / (2 * (1 - 0.5)), two.policies[1].queueing.mean, 0.02)
  end)

  it("a closed loop of one user: it never waits", function()
    local p = sim.run { "--backends 1 --service fixed:10ms --arrivals closed:1,90ms "
      .. "--duration 1000" }.policies[1]
    assert.equal(0, p.queueing.max)
    sim.near(0.01, p.latency.mean, 1e-6)
    sim.near(10000, p.requests, 0.02)
  end)
end)
