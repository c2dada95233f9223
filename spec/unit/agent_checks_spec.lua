local support = require "support.agent"

local A, B = "http://192.0.2.1:80", "http://192.0.2.2:80"
local DEAD = { false, "connection refused", "connect" }

describe("the agent's checks", function()
  local world
  before_each(function() world = support.new() end)

  local function start(options)
    options.backends = options.backends or { A, B }
    world:start { pools = { world.pool(options) } }
  end

  it("begins at once with all of them, then goes by the interval", function()
    start { health = { interval = 60 } }
    world:run(1)
    assert.equals(2, #world.checks)
    assert.equals("up", world:state(A))
    world:run(58)
    assert.equals(2, #world.checks)
    world:run(3)
    assert.equals(4, #world.checks)
  end)

  it("log in one line when they find something else", function()
    world.answers[B] = DEAD
    start {}
    world:run(1)
    assert.equals(1, world:count("^info http://192%.0%.2%.1:80 checked ok by healthcheck$"))
    assert.equals(1, world:count("^warn http://192%.0%.2%.2:80 checked dead by healthcheck "
      .. "%(pool web: unknown → down%): Unreachable to 192%.0%.2%.2:80, error:connection refused$"))
    assert.equals(1, world:count "^warn")
    world.answers[A], world.answers[B] = DEAD, true
    world:run(61)
    assert.equals(1, world:count "^info .*2.1:80 checked ok by")
    assert.equals(1, world:count "^warn .*2.1:80 .*up → down")
    assert.equals(1, world:count "^info .*2.2:80 checked ok by healthcheck %(pool web: down → up")
    assert.equals(2, world:count "^warn")
  end)

  it("log each result in the words of the article, if told so", function()
    world.answers[B] = DEAD
    world:start { log = { checks = "all" }, pools = { world.pool { backends = { A, B } } } }
    world:run(1)
    local log = world:log()
    assert.matches("info " .. A:gsub("%p", "%%%0") .. " checked ok by healthcheck\n", log)
    assert.matches("warn http://192%.0%.2%.2:80 checked dead by healthcheck\n", log)
    assert.matches("warn Unreachable to 192%.0%.2%.2:80, error:connection refused\n", log)
    assert.matches("backend " .. B:gsub("%p", "%%%0")
      .. " of pool web: unknown → down %(connection refused%)", log)
    world:run(61)
    assert.equals(2, world:count "^info .*2.1:80 checked ok by")
  end)

  it("needs rise and fall results in a row, but for a first one that is good", function()
    world.answers[B] = DEAD
    start { health = { interval = 1, rise = 3, fall = 2 } }
    world:run(0.1)
    assert.same({ "up", "unknown" }, { world:state(A), world:state(B) })
    world:run(0.5)
    assert.same({ "up", "down" }, { world:state(A), world:state(B) })
    world:run(0.3)
    world.answers[A], world.answers[B] = DEAD, true
    world:run(1)
    assert.same({ "up", "down" }, { world:state(A), world:state(B) })
    world:run(1)
    assert.same({ "down", "down" }, { world:state(A), world:state(B) })
    world:run(1)
    assert.equals("up", world:state(B))
  end)

  it("looks again soon at what a request marked down", function()
    start {}
    world:run(5)
    world.checks = {}
    world.answers[A] = DEAD
    world:mark_down(A)
    local marked = world.time
    world:run(8.5)
    local times = world:checks_of(A)
    assert.equals(4, #times)
    for i, after in ipairs { 1, 3, 5, 7 } do
      assert.is_true(math.abs(times[i] - marked - after) <= 0.15 * i, times[i] - marked)
    end
    world.answers[A] = true
    world:run(2.2)
    assert.equals("up", world:state(A))
    assert.equals(0, world:count "^warn") -- the worker has said it
    assert.equals(1, world:count "^info .*2.1:80 checked ok .*down → up")
    world.checks = {}
    world:run(50)
    assert.same({}, world:checks_of(A))
  end)

  it("does not believe a check that began before the request marked it down", function()
    start {}
    world:run(5)
    world.answers[A] = function() world.sleep(3) return true end
    world.agent.health:check_soon(world.agent.pools[1].by_name["192.0.2.1:80"])
    world:run(1)
    world:mark_down(A)
    world.checks = {}
    world:run(2.5)
    assert.equals("down", world:state(A))
    world:run(4)
    assert.equals(1, #world:checks_of(A))
    assert.equals("up", world:state(A))
  end)

  it("never looks again later than the interval", function()
    world.answers[A] = DEAD
    start { health = { interval = 0.5 } }
    world:run(5)
    assert.is_true(#world:checks_of(A) >= 7)
  end)

  it("looks again in doubling steps at what a check found dead", function()
    world.answers[A] = DEAD
    start {}
    world:run(40)
    local times = world:checks_of(A)
    assert.equals(8, #times) -- at 0, 0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 31.75
    world.answers[A] = true
    world:run(35)
    assert.equals("up", world:state(A))
  end)

  it("is not held up by those that hang, and ends them at the timeout", function()
    local urls = {}
    for i = 1, 600 do
      urls[i] = ("http://192.0.2.3:%d"):format(i)
      world.answers[urls[i]] = function() world.sleep(1000) end
    end
    world:start { pools = {
      world.pool { name = "hung", backends = urls, health = { timeout = 20, interval = 1000 } },
      world.pool { name = "good", backends = { A, B }, health = { interval = 5 } },
    } }
    world:run(11)
    assert.equals("up", world:state(A))
    assert.equals(3, #world:checks_of(A))
    assert.equals("unknown", world:state(urls[1]))
    world:run(50)
    assert.equals("down", world:state(urls[1]))
    assert.equals("down", world:state(urls[600]))
    assert.matches("timed out after 20 s", world:log())
  end)

  it("discards failures that it measured while it was late itself", function()
    world.answers[A] = function() world.sleep(1000) end
    start { health = { timeout = 4, interval = 10 } }
    world:run(0.3)
    world:stall(30)
    world:run(0.3)
    assert.equals("unknown", world:state(A))
    assert.matches("warn check of http://192.0.2.1:80 is discarded: .*30%.%d s late", world:log())
    world:run(6)
    assert.equals("down", world:state(A))
  end)

  it("discards failures that its own lack of files explains, and says so once a second", function()
    world.answers[A] = function()
      world.shortages = (world.shortages or 0) + 1
      return false, "out of file descriptors", "connect"
    end
    start { health = { interval = 0.5, recheck = 0.5 } }
    world:run(3.2)
    assert.equals("unknown", world:state(A))
    assert.is_true(#world:checks_of(A) >= 5)
    local said = world:count "error check of http://192.0.2.1:80 is discarded: .*open files"
    assert.is_true(said >= 2 and said <= 4, said .. " lines")
    world.answers[A] = { false, "refused", "connect" }
    world:run(1)
    assert.equals("down", world:state(A))
  end)

  it("leaves the state alone when a check errs, and says so", function()
    start { hooks = { check = function() error "my mistake" end } }
    world:run(1)
    assert.equals("unknown", world:state(A))
    assert.matches("error check: .*my mistake", world:log())
  end)

  it("asks the policy's check instead of the settings", function()
    start {
      health = { type = "none" },
      hooks = { check = function(backend) return backend.url == A, "I say so" end },
    }
    world:run(1)
    assert.same({ "up", "down" }, { world:state(A), world:state(B) })
    assert.matches("Unhealthy 192.0.2.2:80, error:I say so", world:log())
    assert.same({}, world.checks)
  end)

  it("brings back after a while what nobody checks", function()
    start { health = { type = "none" } }
    world:run(1)
    assert.equals("unknown", world:state(A))
    world:mark_down(A)
    world:run(9)
    assert.equals("down", world:state(A))
    world:run(2)
    assert.equals("unknown", world:state(A))
    assert.same({}, world.checks)
  end)

  it("leaves alone what drains, and ends ejections as the last check was", function()
    start { health = { interval = 5 } }
    world:run(1)
    world.board.set_state(world:slot(A), "drain", "by hand")
    world.answers[A], world.answers[B] = DEAD, DEAD
    world.board.rows[world:slot(B)].ejected_until = (world.time + 12) * 1000
    world.board.set_state(world:slot(B), "ejected", "outlier")
    world:run(11)
    assert.same({ "drain", "ejected" }, { world:state(A), world:state(B) })
    world:run(2)
    assert.same({ "drain", "down" }, { world:state(A), world:state(B) })
  end)

  it("goes on with the states that an agent before it left", function()
    start {}
    world:run(1)
    world.answers[A] = DEAD
    world:mark_down(A)
    world.agent, world.tasks, world.checks = nil, {}, {}
    start {}
    assert.equals("down", world:state(A))
    world:run(4)
    assert.equals("down", world:state(A))
    assert.is_true(#world:checks_of(A) >= 2)
    world.answers[A] = true
    world:run(2.2)
    assert.equals("up", world:state(A))
  end)
end)
