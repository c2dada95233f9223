-- What the agent makes of failures after connecting.

local support = require "support.agent"

local A, B, C = "http://192.0.2.1:80", "http://192.0.2.2:80", "http://192.0.2.3:80"

describe("a suspect", function()
  local world
  before_each(function() world = support.new() end)

  local function start(options)
    options.backends = options.backends or { A, B, C }
    world:start { pools = { world.pool(options) } }
    world:run(1)
  end

  it("is checked at once, and stays up when that is well", function()
    start {}
    local before = world.time
    world:suspect(A)
    world:run(0.2)
    local times = world:checks_of(A)
    assert.equals(2, #times)
    assert.near(before, times[2], 0.11)
    assert.equals("up", world:state(A))
    assert.equals(1, #world:checks_of(B))
  end)

  it("is checked no more often than `recheck` says, however many requests fail", function()
    start { health = { recheck = 2, failures = 1000 } }
    for _ = 1, 40 do
      world:suspect(A)
      world:run(0)
    end
    assert.equals(1 + 2, #world:checks_of(A)) -- in four seconds
    world:run(10)
    assert.equals(1 + 3, #world:checks_of(A))
  end)

  it("is down when that check fails, whatever `fall` says, and is looked at again soon", function()
    start { health = { fall = 3 } }
    world.answers[A] = { false, "connection refused", "connect" }
    world:suspect(A)
    world:run(0.2)
    assert.equals("down", world:state(A))
    world.answers[A] = true
    world:run(1.3)
    assert.equals("up", world:state(A))
  end)

  it("is checked by each of several checks, and one that fails is enough", function()
    start { health = { { type = "tcp" }, { type = "http", path = "/health" } } }
    world.answers[A .. "/health"] = { false, "status 500" }
    world:suspect(A)
    world:run(0.2)
    assert.equals("down", world:state(A))
    assert.equals("http /health: status 500", world.board.rows[world:slot(A)].reason)
  end)

  it("is down after three failures in a row, though checks find it well, and comes back", function()
    start {}
    world:suspect(A, 2)
    world:run(0.2)
    assert.equals("up", world:state(A))
    world:suspect(A)
    world:run(0)
    assert.equals("down", world:state(A))
    assert.equals(1, world:count "up → down %(3 failures in a row: closed%)$")
    world:run(1.3)
    assert.equals("up", world:state(A))
  end)

  it("is not looked at before `recheck` when that many fail at once", function()
    start {}
    world:suspect(A, 5)
    world:run(0.7)
    assert.equals("down", world:state(A))
    world:run(0.6)
    assert.equals("up", world:state(A))
  end)

  it("is none any more after a good answer", function()
    start {}
    for _ = 1, 4 do
      world:suspect(A, 2)
      world:run(0.2)
      world:trust(A)
    end
    assert.equals("up", world:state(A))
  end)

  it("is never taken out when no other one serves, which is said", function()
    start { backends = { A, B, { url = C, weight = 0 } } }
    world:suspect(A, 3)
    world:suspect(B, 3)
    world:run(0)
    assert.equals("down", world:state(A))
    assert.equals("up", world:state(B))
    assert.equals(1, world:count("^warn backend http://192.0.2.2:80 of pool web stays in service, "
      .. "though it fails"))
    world:suspect(B, 3)
    world:run(0.2)
    assert.equals(1, world:count "stays in service")
  end)

  it("serves again when the last other one goes", function()
    start { backends = { A, B } }
    world:suspect(A, 3)
    world:run(0)
    assert.equals("down", world:state(A))
    world:mark_down(B)
    world:run(0.1)
    assert.equals("up", world:state(A))
    assert.equals(1, world:count "down → up %(no other one serves%)")
  end)

  it("does not serve again when a check found it dead", function()
    start { backends = { A, B } }
    world.answers[A] = { false, "refused", "connect" }
    world:suspect(A, 3)
    world:run(2)
    world:mark_down(B)
    world:run(0.1)
    assert.equals("down", world:state(A))
  end)

  it("is left to the agent that comes after one that died", function()
    start {}
    world:suspect(A, 3)
    world.agent, world.tasks = nil, {}
    start {}
    assert.equals(1, world:count "of pool web: up → down %(3 failures in a row")
  end)

  it("without checks is down after so many failures as the config says, and tried again", function()
    start { health = { type = "none", failures = 5 } }
    world:suspect(A, 4)
    world:run(1)
    assert.equals("unknown", world:state(A))
    world:suspect(A)
    world:run(0)
    assert.equals("down", world:state(A))
    world:run(10.2)
    assert.equals("unknown", world:state(A))
  end)

  it("that drains, or is down already, is left alone", function()
    start {}
    world.board.set_state(world:slot(A), "drain", "by hand")
    world:run(0)
    world:suspect(A, 5)
    world:run(1)
    assert.equals("drain", world:state(A))
    assert.equals(1, #world:checks_of(A))
  end)
end)
