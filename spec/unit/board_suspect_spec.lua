-- Failures after connecting, as the board counts them.
local board = require "support.board"
local lib, ffi = board.lib, require("support.probe").ffi

describe("the suspicion of a backend", function()
  local b, pool, slots, row

  before_each(function()
    b = board.create()
    pool, slots = board.publish(b, "web", { "a", "b" })
    row = b.backends[slots[1]]
  end)

  local function suspect(reason) lib.board_suspect(b, slots[1], board.str(reason)) end

  local function reason()
    local to = ffi.new "char[128]"
    return ffi.string(to, lib.board_suspicion_reason(b, slots[1], to, 128))
  end

  it("is counted in a row, with the reason of its first failure", function()
    suspect "closed"
    suspect "reset"
    assert.same({ 2, 2, 2, "closed" }, { row.suspicion, row.suspected, b.pools[pool].suspected,
      reason() })
    row.suspicion = 0 -- as a good answer does
    suspect "reset"
    assert.same({ 1, 3, "reset" }, { row.suspicion, row.suspected, reason() })
    assert.equals(0, b.backends[slots[2]].suspicion)
  end)

  it("takes a reason that is too long, or empty", function()
    suspect(("x"):rep(500))
    assert.equals(127, #reason())
    row.suspicion = 0
    suspect ""
    assert.equals("", reason())
  end)

  it("changes no state, and is over when the backend comes back", function()
    local version = b.pools[pool].version
    suspect "closed"
    assert.equals(version, b.pools[pool].version)
    lib.board_mark_down(b, slots[1], board.str "3 failures", 1)
    assert.equals(1, row.suspicion)
    lib.board_set_checked(b, slots[1], true, board.str "ok", 2)
    assert.equals(0, row.suspicion)
  end)

  it("goes over to the next generation", function()
    suspect "closed"
    local later = board.create()
    local its_pool = lib.board_pool_publish(later, board.str "web")
    local slot = lib.board_inherit(later, its_pool, board.str "a", b)
    assert.equals(1, later.backends[slot].suspicion)
    local to = ffi.new "char[128]"
    lib.board_suspicion_reason(later, slot, to, 128)
    assert.equals("closed", ffi.string(to))
  end)
end)
