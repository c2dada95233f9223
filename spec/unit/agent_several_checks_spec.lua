local support = require "support.agent"

local A, B = "http://192.0.2.1:80", "http://192.0.2.2:80"
local DEAD = { false, "connection refused", "connect" }

local function checks(one, two)
  local first, second = { type = "http", path = "/one" }, { type = "http", path = "/two" }
  for key, value in pairs(one or {}) do first[key] = value end
  for key, value in pairs(two or {}) do second[key] = value end
  return { first, second }
end

describe("several checks of a pool", function()
  local world
  before_each(function() world = support.new() end)

  local function start(health)
    world:start { pools = { world.pool { backends = { A, B }, health = health } } }
  end

  it("must all pass, and the reason says which did not", function()
    world.answers[A .. "/two"] = { false, "status 500" }
    start(checks())
    world:run(1)
    assert.same({ "down", "up" }, { world:state(A), world:state(B) })
    assert.matches("Unhealthy 192.0.2.1:80, error:http /two: status 500", world:log())
    assert.matches("2.1:80 checked ok by healthcheck %(http /one%)", world:log())
    assert.matches("2.1:80 of pool web: %S+ → down %(http /two: status 500%)", world:log())
    world.answers[A .. "/two"] = true
    world:run(70)
    assert.equals("up", world:state(A))
    assert.equals(2, world:count "2.1:80 of pool web: .* → ")
  end)

  it("have an interval and thresholds of their own", function()
    start(checks({ interval = 2, fall = 3 }, { interval = 30 }))
    world:run(61)
    assert.is_true(#world:checks_of(A .. "/one") >= 26)
    assert.is_true(#world:checks_of(A .. "/two") <= 3)
    world.answers[A .. "/one"], world.answers[B .. "/two"] = DEAD, DEAD
    world:run(3.5)
    assert.equals("up", world:state(A))
    world:run(34)
    assert.same({ "down", "down" }, { world:state(A), world:state(B) })
  end)

  it("all have to pass anew after a request found it dead", function()
    start(checks({ interval = 30 }, { interval = 30 }))
    world:run(5)
    world.answers[A .. "/two"] = DEAD
    world:mark_down(A)
    world:run(5)
    assert.equals("down", world:state(A))
    assert.equals(1, #world:checks_of(A .. "/one") - 1)
    world.answers[A .. "/two"] = true
    world:run(2.5)
    assert.equals("up", world:state(A))
  end)

  it("leave the state unknown until each has found something", function()
    world.answers[A .. "/two"] = function() world.sleep(3) return true end
    start(checks())
    world:run(2)
    assert.same({ "unknown", "up" }, { world:state(A), world:state(B) })
    world:run(2)
    assert.equals("up", world:state(A))
  end)
end)
