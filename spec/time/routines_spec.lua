-- When `start` and `every` run, by a clock that specs make up.
local world_of = require("support.agent").new

describe("routines of a policy", function()
  local world, times

  local function run_at() table.insert(times, math.floor((world.time - 1000) * 10 + 0.5) / 10) end

  local function start(hooks)
    world, times = world_of(), {}
    world.policies = { { title = "service web", service = 0, hooks = hooks } }
    return world:start { pools = { world.pool { backends = {} } } }
  end

  it("run at start and then each time their seconds have passed", function()
    start { every = { [2] = run_at } }
    world:run(7)
    assert.equals(4, #times)
    for i, time in ipairs(times) do assert.is_true(math.abs(time - 2 * (i - 1)) < 0.25) end
  end)

  it("do not drift by what a run takes", function()
    start { every = { [1] = function()
      run_at()
      world.sleep(0.5)
    end } }
    world:run(20.5)
    assert.equals(21, #times)
  end)

  it("are followed at once after a run that took longer, and never joined", function()
    start { every = { [1] = function()
      run_at()
      world.sleep(2.5)
    end } }
    world:run(9)
    assert.equals(4, #times)
  end)

  it("begin when start has ended, which workers wait for, but for 10 s only", function()
    local agent = start {
      start = function() world.sleep(12) end,
      every = { [5] = run_at },
    }
    world:run(9)
    assert.is_nil(agent.is_ready or nil)
    world:run(1.5)
    assert.is_true(agent.is_ready)
    assert.equals(1, world:count "workers begin without the end of 1 hook")
    assert.same({}, times)
    world:run(2)
    assert.equals(1, #times)
  end)

  it("are ended after 60 s, which counts as an error", function()
    start { start = function() world.sleep(1000) end, every = { [5] = run_at } }
    world:run(61)
    assert.equals(1, world:count "error start: it has not ended after 60 s")
    assert.equals(1, #times)
  end)
end)
