local support = require "support.agent"

local A, B, C = "http://192.0.2.1:80", "http://192.0.2.2:80", "http://192.0.2.3:80"
local DEAD = { false, "connection refused", "connect" }

describe("the agent", function()
  local world
  before_each(function() world = support.new() end)

  local function start(options) world:start { pools = { world.pool(options) } } end

  it("calls changed for each change, in order, whoever made it", function()
    local calls = {}
    start {
      backends = { A, B },
      hooks = {
        changed = function(backend, old, new, reason)
          world.sleep(0.5)
          table.insert(calls, { backend.url, old, new, reason })
        end,
      },
    }
    world.answers[B] = DEAD
    world:run(2)
    world:mark_down(A, "reset")
    world:run(3)
    assert.same({
      { A, "unknown", "up", "checked ok" },
      { B, "unknown", "down", "connection refused" },
      { A, "up", "down", "reset" },
      { A, "down", "up", "checked ok" },
    }, calls)
  end)

  it("survives a changed hook that errs or hangs", function()
    local calls = 0
    start {
      backends = { A },
      hooks = {
        changed = function()
          calls = calls + 1
          if calls == 1 then world.sleep(1000) end
          error "oops"
        end,
      },
    }
    world:run(1)
    world:mark_down(A)
    world:run(8)
    assert.equals(3, calls)
    assert.matches("error changed: it took longer than 5 s", world:log())
    assert.matches("error changed: .*oops", world:log())
  end)

  it("takes a pool's backends from discover", function()
    local list = { A, B }
    start { hooks = { discover = function() return list end } }
    world:run(1)
    assert.is_true(world.is_ready)
    assert.equals("up", world:state(B))
    assert.equals(2, #world.board.lists.web)
    list = { B, { url = C, weight = 3 } }
    world:run(10)
    assert.same({ world:slot(B), world:slot(C) }, world.board.lists.web)
    assert.equals("up", world:state(C))
    world.checks = {}
    world:run(61)
    assert.same({}, world:checks_of(A))
    assert.equals(1, #world:checks_of(B))
  end)

  it("keeps the backends when discover errs, fails, hangs or returns rubbish", function()
    local answer
    start { backends = { A }, hooks = { discover = function() return answer() end } }
    local answers = {
      ["oops"] = function() error "oops" end,
      ["no such service; its"] = function() return nil, "no such service" end,
      ["longer than 10 s"] = function() world.sleep(1000) end,
      ["discover%[2%].*not a backend"] = function() return { B, 5 } end,
      ["already"] = function() return { B, B } end,
      ["discover%[1%]%.wieght.*weight"] = function() return { { url = B, wieght = 5 } } end,
    }
    for said, one in pairs(answers) do
      answer = one
      world:run(20.5)
      assert.equals(1, #world.board.lists.web)
      assert.matches(said, world:log())
    end
    answer = function() return nil end
    world:run(20.5)
    assert.same({ world:slot(A) }, world.board.lists.web)
  end)

  it("looks names up, again and again, and keeps what it had when that fails", function()
    world.addresses["web.test"] = { "192.0.2.7", "192.0.2.8" }
    start { backends = { "http://web.test:80" } }
    assert.same({}, world.board.rows[1].addresses)
    world:run(1)
    assert.same({ "192.0.2.7", "192.0.2.8" }, world.board.rows[1].addresses)
    assert.equals(1, #world.checks)
    world.addresses["web.test"] = { "192.0.2.9" }
    world:run(31)
    assert.same({ "192.0.2.9" }, world.board.rows[1].addresses)
    world.addresses["web.test"] = nil
    world:run(31)
    assert.same({ "192.0.2.9" }, world.board.rows[1].addresses)
    assert.matches("warn cannot resolve web.test: no such name; its addresses are kept",
      world:log())
    assert.equals("up", world:state "http://web.test:80")
  end)

  it("calls dead what never resolved, until it does", function()
    start { backends = { "http://web.test:80" } }
    world:run(1)
    assert.is_true(world.is_ready)
    assert.equals("down", world:state "http://web.test:80")
    assert.matches("Unreachable to web.test:80, error:its name does not resolve", world:log())
    world.addresses["web.test"] = { "192.0.2.9" }
    world:run(12)
    assert.equals("up", world:state "http://web.test:80")
  end)

  it("checks what did not resolve for long as soon as it does", function()
    start { backends = { "http://web.test:80" } }
    world:run(300)
    assert.equals("down", world:state "http://web.test:80")
    world.addresses["web.test"] = { "192.0.2.9" }
    world:run(5.3) -- that is when it is looked up again
    assert.equals("up", world:state "http://web.test:80")
  end)

  it("goes by the time to live, within bounds", function()
    world.addresses["web.test"], world.ttl = { "192.0.2.7" }, 1
    start { backends = { "http://web.test:80", "http://web.test:81" } }
    world:run(21)
    assert.equals(5, #world.lookups)
  end)

  it("is ready after ten seconds even if a name or a hook is not", function()
    start { backends = { A }, hooks = { discover = function() world.sleep(9.5) return nil end } }
    world:run(9)
    assert.is_false(world.is_ready)
    world:run(1)
    assert.is_true(world.is_ready)
  end)
end)
