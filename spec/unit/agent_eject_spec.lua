local support = require "support.agent"

local A, B, C = "http://192.0.2.1:80", "http://192.0.2.2:80", "http://192.0.2.3:80"

describe("an outlier", function()
  local world
  before_each(function() world = support.new() end)

  local function start(eject, backends, more)
    local options = more or {}
    options.backends, options.eject = backends or { A, B, C }, eject
    world:start { pools = { world.pool(options) } }
    world:run(1)
  end

  -- Seconds until it is up again, in steps of a tenth.
  local function seconds_out(url)
    local from = world.time
    while world:state(url) == "ejected" do
      world:run(0)
      assert.is_true(world.time - from < 1000)
    end
    return world.time - from
  end

  it("is ejected at once after failures in a row, and says why", function()
    start {}
    world:fail(A, 4)
    world:run(0.2)
    assert.equals("up", world:state(A))
    world:fail(A)
    world:run(0)
    assert.equals("ejected", world:state(A))
    local row = world.board.rows[world:slot(A)]
    assert.equals("5 failures in a row; for 30 s", row.reason)
    assert.equals(1, world:count("^warn backend http://192.0.2.1:80 of pool web: up → ejected "
      .. "%(5 failures in a row; for 30 s%)$"))
    assert.near(30, seconds_out(A), 0.3)
    assert.equals("up", world:state(A))
    assert.equals(1, world:count "2.1:80 of pool web: ejected → up %(its ejection is over%)")
  end)

  it("is out for longer each time, and is forgiven for each time it did well", function()
    start { time = 10, max_time = 35 }
    local out = {}
    for i = 1, 5 do
      world:fail(A, 5)
      world:run(0)
      out[i] = math.floor(seconds_out(A) + 0.5)
    end
    assert.same({ 10, 20, 30, 35, 35 }, out)
    world:run(21)
    world:fail(A, 5)
    world:run(0)
    assert.near(30, seconds_out(A), 0.3) -- two of four are forgotten
    world:run(100)
    world:fail(A, 5)
    world:run(0)
    assert.near(10, seconds_out(A), 0.3)
  end)

  it("goes on to be out for longer under an agent that was started again", function()
    start { time = 10 }
    world:fail(A, 5)
    world:run(0)
    seconds_out(A)
    world.agent, world.tasks = nil, {}
    start { time = 10 }
    world:fail(A, 5)
    world:run(0)
    assert.near(20, seconds_out(A), 0.3)
  end)

  it("stays when too many are out, which is said once", function()
    start { max_share = 0.4 }
    world:fail(A, 5)
    world:fail(B, 5)
    world:run(25)
    assert.same({ "ejected", "up", "up" }, { world:state(A), world:state(B), world:state(C) })
    assert.equals(1, world:count("^warn backend http://192.0.2.2:80 of pool web is not ejected, "
      .. "though it fails %(5 failures in a row%): 1 of 3 may be ejected"))
    world:run(20) -- the other one is back
    assert.equals("ejected", world:state(B))
  end)

  it("stays when no other one is up", function()
    world.answers[B] = { false, "refused", "connect" }
    start({ max_share = 1 }, { A, B })
    world:fail(A, 9)
    world:run(1)
    assert.equals("up", world:state(A))
    assert.matches("is not ejected, though it fails .*: no other one is up", world:log())
  end)

  it("may be one that a request marked down, not one that drains or that a check found dead",
    function()
      start({ max_share = 1 }, { A, B, C, "http://192.0.2.4:80" })
      world:mark_down(A)
      world.board.set_state(world:slot(B), "drain", "by hand")
      world.board.checked(world:slot(C), false, "refused")
      for _, url in ipairs { A, B, C } do world:fail(url, 5) end
      world:run(0)
      assert.same({ "ejected", "drain", "down" },
        { world:state(A), world:state(B), world:state(C) })
    end)

  it("stays down when a request marked it down and then a check found it dead", function()
    start { max_share = 1 }
    world.answers[A] = { false, "refused", "connect" }
    world:mark_down(A)
    world:run(3)
    world:fail(A, 5) -- in a panic
    world:run(0)
    assert.equals("down", world:state(A))
  end)

  it("is never one that a person keeps up", function()
    start {}
    world.board.rows[world:slot(A)].is_pinned = true
    world:fail(A, 50)
    world:run(15)
    assert.equals("up", world:state(A))
    assert.equals(0, world:count "ejected")
  end)

  it("is one whose share of failures is far above that of the others", function()
    start { consecutive = false, error_rate = 0.3, interval = 5 }
    local function round(a, b, c)
      for url, failures in pairs { [A] = a, [B] = b, [C] = c } do
        world:fail(url, failures)
        world:serve(url, 100 - failures)
      end
      world:run(5.1)
    end
    round(0, 0, 0)
    round(40, 12, 12) -- 28 points
    assert.equals("up", world:state(A))
    round(90, 70, 80) -- all are bad: it is not the backend's fault
    assert.equals("up", world:state(A))
    round(50, 4, 6)
    assert.equals("ejected", world:state(A))
    assert.matches("up → ejected %(50 %% of 100 requests failed, of the others' 5 %%; for 30 s%)",
      world:log())
    assert.equals("up", world:state(B))
  end)

  it("is not judged by few requests", function()
    start { consecutive = false, error_rate = 0.1, interval = 1, min_requests = 20 }
    for _ = 1, 10 do
      world:fail(A, 19)
      world:serve(B, 100)
      world:run(1.1)
    end
    assert.equals("up", world:state(A))
    for _ = 1, 10 do
      world:fail(A, 20)
      world:serve(B, 19)
      world:run(1.1)
    end
    assert.equals("up", world:state(A))
    world:fail(A, 20)
    world:serve(B, 20)
    world:run(1.1)
    assert.equals("ejected", world:state(A))
  end)

  it("is told to changed", function()
    local calls = {}
    start({}, nil, { hooks = {
      changed = function(backend, old, new, reason)
        table.insert(calls, { backend.url, old, new, reason })
      end,
    } })
    world:fail(B, 7)
    world:run(0.3)
    assert.same({ B, "up", "ejected", "7 failures in a row; for 30 s" }, calls[#calls])
  end)
end)

describe("a pool that panics", function()
  it("says so when it begins and when it ends, in the log and on the board", function()
    local world = support.new()
    world:start { pools = { world.pool { backends = { A, B, C }, panic = 0.5 } } }
    world:run(1)
    world:mark_down(A)
    world:run(0.2)
    assert.is_nil(world.board.panics.web)
    world.answers[A], world.answers[B] = { false, "dead" }, { false, "dead" }
    world:mark_down(B)
    world:run(0.2)
    assert.is_true(world.board.panics.web)
    world:run(5)
    assert.equals(1, world:count "^error pool web panics: 1 of 3 backends are up, all are used")
    world.answers[A] = true
    world:run(5)
    assert.is_false(world.board.panics.web)
    assert.equals(1, world:count "^info pool web no longer panics: 2 of 3 backends are up$")
  end)
end)
