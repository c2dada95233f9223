-- Slots, who waits for them, and budgets.
local board = require "support.board"
local eventually = require "support.eventually"
local process = require "support.process"
local scope = require "support.scope"
local ffi, lib = require("support.probe").ffi, board.lib

describe("the slots of a backend", function()
  local b, pool, slots
  before_each(function()
    b = board.create()
    pool, slots = board.publish(b, "web", { "a", "b" })
  end)

  it("are taken up to the limit, over all workers", function()
    for i = 1, 3 do assert.is_true(lib.board_slot_take(b, i % 2, slots[1], 3)) end
    assert.is_false(lib.board_slot_take(b, 0, slots[1], 3))
    assert.equals(3, lib.board_inflight(b, slots[1]))
    assert.equals(0, b.cells[0][slots[1]].reserved)
    lib.board_worker_clear(b, 1)
    assert.is_true(lib.board_slot_take(b, 0, slots[1], 3))
  end)

  it("are never taken twice at the same moment", function()
    local slot, pids, output = slots[1], {}, scope.directory() .. "/output"
    for worker = 0, 3 do
      pids[worker + 1] = process.fork(function()
        local own, shared, taken = b.inflight[worker], b.cells[0][slots[2]], 0
        while taken < 3000 do
          if lib.board_slot_take(b, worker, slot, 1) then
            shared.requests = shared.requests + 1 -- whoever has the one slot is alone here
            own[slot] = own[slot] - 1
            taken = taken + 1
          end
        end
      end, { output = output })
    end
    eventually(function()
      for _, pid in ipairs(pids) do assert(not process.exists(pid)) end
    end, 20)
    assert.equals("", scope.read(output))
    assert.equals(12000, tonumber(b.cells[0][slots[2]].requests))
    assert.equals(0, lib.board_inflight(b, slot))
  end)

  it("are waited for by whoever says so, after a process that was killed meanwhile, too", function()
    local row = b.queues[3][pool]
    for _, left in ipairs { { waiting = 1, bits = 0 }, { waiting = 0, bits = 8 } } do
      row.waiting, row.oldest_us, b.pools[pool].waiters = left.waiting, left.waiting, left.bits
      lib.board_worker_clear(b, 3)
      assert.equals(0, tonumber(b.pools[pool].waiters))
      assert.equals(0, row.waiting)
      lib.board_queue_set(b, 3, pool, 1, 77)
      assert.equals(8, tonumber(b.pools[pool].waiters))
      lib.board_queue_set(b, 3, pool, 0, 0)
      assert.equals(0, tonumber(b.pools[pool].waiters))
    end
  end)

  it("that are free are seen, of those that may serve", function()
    local function row(i) return b.backends[slots[i]] end
    row(1).slots, row(2).slots = 1, 1
    assert.is_true(lib.board_pool_has_room(b, pool))
    assert.is_true(lib.board_slot_take(b, 5, slots[1], 1))
    assert.is_true(lib.board_pool_has_room(b, pool))
    row(2).weight = 0
    assert.is_false(lib.board_pool_has_room(b, pool))
    row(2).weight = 1
    lib.board_set_state(b, slots[2], 2, board.str "", 1)
    assert.is_false(lib.board_pool_has_room(b, pool))
    lib.board_worker_clear(b, 5)
    assert.is_true(lib.board_pool_has_room(b, pool))
  end)

  it("that are free count in a panic too, but for what drains or weighs nothing", function()
    local DOWN, DRAIN = 2, 3
    for _, slot in ipairs(slots) do lib.board_set_state(b, slot, DOWN, board.str "", 1) end
    assert.is_false(lib.board_pool_has_room(b, pool))
    b.pools[pool].panics = 1
    assert.is_true(lib.board_pool_has_room(b, pool))
    lib.board_set_state(b, slots[1], DRAIN, board.str "", 1)
    assert.is_true(lib.board_pool_has_room(b, pool))
    lib.board_set_state(b, slots[2], DRAIN, board.str "", 1)
    assert.is_false(lib.board_pool_has_room(b, pool))
    lib.board_set_state(b, slots[1], DOWN, board.str "", 1)
    b.backends[slots[1]].weight, b.backends[slots[2]].weight = 0, 1
    assert.is_false(lib.board_pool_has_room(b, pool))
  end)
end)

describe("the queues of the workers", function()
  local b, pool
  before_each(function()
    b = board.create()
    pool = board.publish(b, "web", { "a" })
  end)

  it("are asked in the order in which their first request came", function()
    assert.equals(-1, lib.board_queue_eldest(b, 0, pool, 0, 100))
    lib.board_queue_set(b, 0, pool, 2, 30)
    lib.board_queue_set(b, 3, pool, 1, 20)
    lib.board_queue_set(b, 63, pool, 4, 40)
    assert.equals(7, lib.board_queue_waiting(b, pool))
    assert.equals(3, lib.board_queue_eldest(b, 0, pool, 0, 100))
    assert.equals(0, lib.board_queue_eldest(b, 3, pool, 20, 100))
    assert.equals(63, lib.board_queue_eldest(b, 3, pool, 30, 100))
    assert.equals(-1, lib.board_queue_eldest(b, 3, pool, 40, 100))
  end)

  it("of a worker that was called and does not come are passed over", function()
    lib.board_queue_set(b, 0, pool, 1, 30)
    lib.board_queue_set(b, 1, pool, 1, 20)
    assert.is_true(lib.board_queue_call(b, 1, pool, 100))
    assert.is_false(lib.board_queue_call(b, 1, pool, 200))
    assert.equals(1, lib.board_queue_eldest(b, 0, pool, 0, 10000))
    assert.equals(0, lib.board_queue_eldest(b, 0, pool, 0, 20000))
    assert.equals(1, lib.board_queue_eldest(b, 1, pool, 0, 20000))
  end)

  it("of a worker that died are gone", function()
    lib.board_queue_set(b, 1, pool, 3, 20)
    lib.board_queue_call(b, 1, pool, 100)
    b.queues[1][pool].queued = 9
    lib.board_worker_clear(b, 1)
    assert.equals(0, lib.board_queue_waiting(b, pool))
    assert.equals(-1, lib.board_queue_eldest(b, 0, pool, 0, 100))
    assert.equals(0, tonumber(b.queues[1][pool].called_us))
    assert.equals(9, tonumber(b.queues[1][pool].queued))
  end)
end)

local function purse(b, worker, step, kind)
  return ffi.new("struct board_purse",
    { board = b, kind = kind or 0, worker = worker, pool = 0, step = step })
end

describe("a budget", function()
  it("counts requests and retries of all workers in a window that moves on", function()
    local b = board.create()
    lib.board_worker_note(b, 1)
    local terms = ffi.new("struct board_budget_terms", { ratio = 0.5, least = 1 })
    local function retry(step, worker)
      return lib.board_budget_charge(purse(b, worker or 0, step), terms)
    end
    for step = 100, 103 do lib.board_budget_request(purse(b, step % 2, step)) end
    for _, worker in ipairs { 0, 1, 0 } do assert.is_true(retry(103, worker)) end
    assert.is_false(retry(104, 1))
    -- the first two requests are out of the window now, the retries are not
    assert.is_false(retry(111))
    assert.is_false(retry(112))
    assert.is_true(retry(113))
    assert.is_false(retry(122))
    assert.is_true(retry(123))
    assert.same({ 5, 4 }, { tonumber(b.budgets[0][0][0].spent + b.budgets[0][1][0].spent),
      tonumber(b.budgets[0][0][0].refused + b.budgets[0][1][0].refused) })
  end)

  it("is not confused by numbers of steps that wrap", function()
    local b = board.create()
    lib.board_worker_note(b, 0)
    local step = 2 ^ 24 * 5 - 1
    local terms = ffi.new("struct board_budget_terms", { ratio = 0.5 })
    for i = 0, 2 do lib.board_budget_request(purse(b, 0, step + i)) end
    assert.is_true(lib.board_budget_charge(purse(b, 0, step + 2), terms))
    assert.is_false(lib.board_budget_charge(purse(b, 0, step + 2), terms))
  end)

  it("may have a floor, and each kind has its own", function()
    local b = board.create()
    lib.board_worker_note(b, 0)
    local terms = ffi.new("struct board_budget_terms", { ratio = 0.1, floor = 1 })
    local function hedge() return lib.board_budget_charge(purse(b, 0, 7, 1), terms) end
    assert.is_true(hedge())
    for _ = 1, 19 do lib.board_budget_request(purse(b, 0, 7, 1)) end
    assert.is_false(hedge())
    lib.board_budget_request(purse(b, 0, 7, 1))
    assert.is_true(hedge())
    assert.is_false(hedge())
    local spent = { tonumber(b.budgets[0][0][0].spent), tonumber(b.budgets[1][0][0].spent) }
    assert.same({ 0, 2 }, spent)
  end)
end)
