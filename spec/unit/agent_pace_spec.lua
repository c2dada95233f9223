local support = require "support.agent"

local A = "http://192.0.2.1:80"
local DEAD = { false, "connection refused", "connect" }

describe("the pace of checks", function()
  local world
  before_each(function() world = support.new() end)

  local function start(health, urls)
    world:start { pools = { world.pool { backends = urls or { A }, health = health } } }
  end

  it("is the fast one while the state is about to change", function()
    start { interval = 60, fast = 2, fall = 3, rise = 3, jitter = 0 }
    world:run(10)
    world.answers[A] = DEAD
    world:run(51)
    assert.equals("up", world:state(A))
    world:run(4.5)
    assert.equals("down", world:state(A))
    world.answers[A] = true
    world:run(1.5) -- recheck, the first good one
    assert.equals("down", world:state(A))
    world:run(4.5)
    assert.equals("up", world:state(A))
    local count = #world.checks
    world:run(50)
    assert.equals(count, #world.checks)
  end)

  it("varies by the jitter, and without one it does not", function()
    world.host.random = function() return 1 end
    start { interval = 10, jitter = 0.5 }
    world:run(29)
    assert.equals(2, #world.checks) -- 0, 15, 30
    world = support.new()
    world.host.random = function() return 1 end
    start { interval = 10, jitter = 0 }
    world:run(29)
    assert.equals(3, #world.checks)
  end)

  it("begins gently in a large pool, and spreads out", function()
    local urls, dice = {}, 0
    for i = 1, 2000 do urls[i] = ("http://192.0.2.3:%d"):format(i) end
    world.host.random = function()
      dice = (dice + 0.618034) % 1
      return dice
    end
    start({ interval = 20 }, urls)
    local function count(seconds)
      local before = #world.checks
      world:run(seconds)
      return #world.checks - before
    end
    assert.is_true(count(0) <= 128)
    assert.is_true(count(1) <= 600)
    world:run(4)
    assert.is_true(#world.checks >= 2000) -- all had their turn
    world:run(8)
    for _ = 1, 5 do assert.is_true(count(1) <= 350) end
  end)

  describe("begins with the state of the config:", function()
    it("down, until the first check has passed", function()
      world.answers[A] = function() world.sleep(2) return true end
      start { initial = "down", rise = 3 }
      world:run(1)
      assert.equals("down", world:state(A))
      world:run(2)
      assert.equals("up", world:state(A))
      assert.equals(1, world:count "checked ok by healthcheck %(pool web: down → up%)")
    end)

    it("up, until checks have failed", function()
      world.answers[A] = function() world.sleep(2) return unpack(DEAD) end
      start { initial = "up", fall = 2 }
      world:run(3)
      assert.equals("up", world:state(A))
      world:run(2)
      assert.equals("down", world:state(A))
    end)

    it("but not where an agent before it found something", function()
      start { initial = "down" }
      world:run(1)
      assert.equals("up", world:state(A))
      world.agent, world.tasks = nil, {}
      world.answers[A] = function() world.sleep(30) end
      start { initial = "down" }
      world:run(1)
      assert.equals("up", world:state(A))
    end)
  end)
end)
