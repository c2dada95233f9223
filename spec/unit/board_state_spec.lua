local board = require "support.board"
local lib = board.lib

local UNKNOWN, UP, DOWN, DRAIN, EJECTED = 0, 1, 2, 3, 4

describe("a backend's state on the board", function()
  local b, slot
  before_each(function()
    b = board.create()
    local _, slots = board.publish(b, "web", { "a" })
    slot = slots[1]
  end)

  local function state() return tonumber(b.backends[slot].state % 256) end

  it("changes once, with its time and reason", function()
    assert.equals(UNKNOWN, state())
    local reason = board.str "connection refused"
    assert.is_true(lib.board_set_state(b, slot, DOWN, reason, 1234567890123))
    assert.is_false(lib.board_set_state(b, slot, DOWN, board.str "again", 1234567890999))
    assert.equals(DOWN, state())
    assert.equals(1234567890123, tonumber(b.backends[slot].state / 256))
    assert.equals("connection refused", board.reason(b, slot))
    assert.is_true(lib.board_set_state(b, slot, UP, board.str(("long "):rep(50)), 1))
    assert.equals(127, #board.reason(b, slot))
  end)

  it("lets requests and checks overrule each other, but not who drained or ejected it", function()
    local none = board.str ""
    assert.is_true(lib.board_mark_down(b, slot, none, 1))
    assert.equals(1, b.backends[slot].marked_by_request)
    assert.is_true(lib.board_set_checked(b, slot, true, none, 2))
    assert.equals(0, b.backends[slot].marked_by_request)
    assert.is_true(lib.board_set_checked(b, slot, false, none, 3))
    assert.is_false(lib.board_mark_down(b, slot, none, 4))
    assert.equals(0, b.backends[slot].marked_by_request)
    for _, held in ipairs { DRAIN, EJECTED } do
      lib.board_set_state(b, slot, held, none, 5)
      assert.is_false(lib.board_mark_down(b, slot, none, 6))
      assert.is_false(lib.board_set_checked(b, slot, true, none, 6))
      assert.equals(held, state())
    end
  end)

  it("is ejected until a time", function()
    assert.is_true(lib.board_eject(b, slot, 5000, board.str "outlier", 1000))
    assert.equals(EJECTED, state())
    assert.equals(5000, tonumber(b.backends[slot].ejected_until_ms))
    assert.is_false(lib.board_eject(b, slot, 9000, board.str "outlier", 2000))
    assert.equals(9000, tonumber(b.backends[slot].ejected_until_ms))
  end)

  it("averages latency, an eighth for each new value", function()
    lib.board_latency(b, slot, 800)
    assert.equals(800, b.backends[slot].latency_us)
    lib.board_latency(b, slot, 1600)
    assert.equals(900, b.backends[slot].latency_us)
    lib.board_latency(b, slot, 100)
    assert.equals(800, b.backends[slot].latency_us)
  end)

  it("sums over workers; a cleared one keeps its totals", function()
    for worker = 0, 3 do
      lib.board_worker_note(b, worker)
      local cell = b.cells[worker][slot]
      b.inflight[worker][slot], cell.requests, cell.failures = worker + 1, 10, 1
    end
    assert.equals(10, lib.board_inflight(b, slot))
    b.workers[3].pid, b.workers[3].connections = 77, 5
    lib.board_worker_clear(b, 3)
    assert.equals(6, lib.board_inflight(b, slot))
    assert.same({ 0, 0 }, { b.workers[3].pid, b.workers[3].connections })
    local totals = require("support.probe").ffi.new "uint64_t[2]"
    lib.board_totals(b, slot, totals, totals + 1)
    assert.same({ 40, 4 }, { tonumber(totals[0]), tonumber(totals[1]) })
  end)

  it("remembers when a backend came back, not when it only drained", function()
    local pool = b.backends[slot].pool
    local function back() return tonumber(b.backends[slot].back_since_ms) end
    local function set(to, ms) lib.board_set_state(b, slot, to, board.str "why", ms) end
    assert.equals(0, back())
    set("STATE_UP", 1000)
    set("STATE_DRAIN", 2000)
    set("STATE_UP", 3000)
    assert.equals(0, back())
    lib.board_mark_down(b, slot, board.str "why", 4000)
    lib.board_set_checked(b, slot, true, board.str "why", 5000)
    assert.equals(5000, back())
    lib.board_eject(b, slot, 9000, board.str "why", 6000)
    set("STATE_UNKNOWN", 7000)
    assert.equals(7000, back())
    local joined = lib.board_backend_publish(b, pool, board.member { name = "new" },
      "STATE_UNKNOWN")
    assert.is_true(b.backends[joined].back_since_ms > 7000)
  end)

  it("counts failures in a row over all workers, until one goes well", function()
    local function failed(worker) return lib.board_outlier(b, worker, slot, 3) end
    assert.same({ false, false }, { failed(0), failed(1) })
    b.backends[slot].streak = 0
    assert.same({ false, false, true, false },
      { failed(0), failed(1), failed(0), failed(1) })
    assert.equals(1, b.pools[b.backends[slot].pool].outliers)
    b.cells[1][slot].requests = 2 ^ 32 + 9
    lib.board_worker_note(b, 1)
    local sums = require("support.probe").ffi.new "uint32_t[2]"
    lib.board_outliers(b, slot, sums, sums + 1)
    assert.same({ 9, 6 }, { sums[0], sums[1] })
    lib.board_eject(b, slot, 9000, board.str "why", 6000)
    lib.board_set_state(b, slot, "STATE_UP", board.str "", 9000)
    assert.equals(0, b.backends[slot].streak)
  end)
end)
