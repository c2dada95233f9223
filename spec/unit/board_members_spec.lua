local board = require "support.board"
local ffi = require("support.probe").ffi
local lib = board.lib

describe("the board's backends", function()
  local b
  before_each(function() b = board.create() end)

  it("keeps a backend's slot by its pool and name", function()
    local pool, slots = board.publish(b, "web", { "a", "b", "c" })
    assert.same(slots, board.members(b, pool))
    local again, same = board.publish(b, "web", { "c", "a", "b" })
    assert.equals(pool, again)
    assert.same({ slots[3], slots[1], slots[2] }, same)
    assert.same(same, board.members(b, pool))
    local _, others = board.publish(b, "api", { "a" })
    assert.not_equals(slots[1], others[1])
    assert.equals("a", board.name(b, others[1]))
  end)

  it("moves the pool's version on for what changed, and for nothing else", function()
    local pool, slots = board.publish(b, "web", { "a", "b" })
    local function moved(change)
      local before = b.pools[pool].version
      change()
      return b.pools[pool].version - before
    end
    assert.equals(0, moved(function() board.publish(b, "web", { "a", "b" }) end))
    assert.equals(1, moved(function()
      lib.board_backend_publish(b, pool, board.member { name = "a", weight = 3 }, "STATE_UNKNOWN")
    end))
    assert.equals(3, b.backends[slots[1]].weight)
    assert.equals(1, moved(function() lib.board_set_state(b, slots[1], 1, board.str "", 5) end))
    assert.equals(0, moved(function() lib.board_set_state(b, slots[1], 1, board.str "", 6) end))
    assert.equals(1, moved(function() board.set_members(b, pool, { slots[2] }) end))
  end)

  it("keeps known addresses when the agent starts again without them", function()
    local pool, slots = board.publish(b, "web", { "a" })
    local addrs = ffi.new "struct board_addr[2]"
    addrs[0].family, addrs[0].port, addrs[1].family, addrs[1].port = 2, 80, 10, 80
    assert.is_true(lib.board_backend_set_addrs(b, slots[1], addrs, 2))
    assert.is_false(lib.board_backend_set_addrs(b, slots[1], addrs, 2))
    board.publish(b, "web", { "a" })
    assert.equals(2, board.text(b, slots[1]).addrs)
    local moved = board.member { name = "a", host = "elsewhere" }
    lib.board_backend_publish(b, pool, moved, "STATE_UNKNOWN")
    assert.equals(0, board.text(b, slots[1]).addrs)
  end)

  it("frees a slot a minute after its last use, and gives it to another epoch", function()
    local pool, slots = board.publish(b, "web", { "a", "b" })
    local epoch = b.backends[slots[1]].epoch
    board.set_members(b, pool, { slots[2] })
    lib.board_worker_note(b, 2)
    b.inflight[2][slots[1]] = 1
    for _, now in ipairs { 1000, 70000 } do lib.board_reclaim(b, now) end
    assert.equals("a", board.name(b, slots[1]))
    lib.board_worker_clear(b, 2)
    for _, now in ipairs { 80000, 139999 } do lib.board_reclaim(b, now) end
    assert.equals("a", board.name(b, slots[1]))
    lib.board_reclaim(b, 140000)
    local text = ffi.new "struct board_text"
    assert.is_false(lib.board_backend_text(b, slots[1], epoch, text))
    assert.equals(lib.BOARD_NONE, lib.board_backend_find(b, pool, board.str "a"))
    local _, new = board.publish(b, "web", { "b", "c" })
    assert.same({ slots[2], slots[1] }, new)
    assert.is_true(b.backends[slots[1]].epoch > epoch)
    assert.equals("c", board.name(b, slots[1]))
  end)

  it("takes thousands, refuses more than it holds, and finds each again", function()
    local names = {}
    for i = 1, lib.BOARD_BACKENDS_MAX do names[i] = "10.0.0.1:" .. i end
    local pool, slots = board.publish(b, "web", names)
    local more = board.member { name = "more" }
    assert.equals(lib.BOARD_NONE, lib.board_backend_publish(b, pool, more, "STATE_UNKNOWN"))
    for i = 1, #names, 997 do
      assert.equals(slots[i], lib.board_backend_find(b, pool, board.str(names[i])))
    end
    board.set_members(b, pool, {})
    lib.board_reclaim(b, 1)
    lib.board_reclaim(b, 60001)
    assert.equals(#names, b.slots_free)
    for i = 0, lib.BOARD_INDEX - 1 do assert(b.index[i] == 0) end
    assert.not_equals(lib.BOARD_NONE, lib.board_backend_publish(b, pool, more, "STATE_UNKNOWN"))
  end)

  it("refuses names that are too long or empty", function()
    assert.equals(lib.BOARD_NONE, lib.board_pool_publish(b, board.str(("x"):rep(64))))
    assert.equals(lib.BOARD_NONE, lib.board_pool_publish(b, board.str ""))
    local pool = lib.board_pool_publish(b, board.str "web")
    local m = board.member { name = "" }
    assert.equals(lib.BOARD_NONE, lib.board_backend_publish(b, pool, m, "STATE_UNKNOWN"))
    ffi.fill(m.text.name, 160, 0x61)
    assert.equals(lib.BOARD_NONE, lib.board_backend_publish(b, pool, m, "STATE_UNKNOWN"))
  end)

  it("shows the list as it was when its writer died half way", function()
    local pool, slots = board.publish(b, "web", { "a", "b" })
    -- What an agent leaves that was killed before it moved the version on:
    local half = 1 - b.pools[pool].list_version % 2
    b.pools[pool].first[half], b.pools[pool].count[half] = slots[2], 9
    b.backends[slots[2]].member = b.pools[pool].list_version + 1
    assert.same(slots, board.members(b, pool))
    board.set_members(b, pool, { slots[2], slots[1] })
    assert.same({ slots[2], slots[1] }, board.members(b, pool))
  end)
end)
