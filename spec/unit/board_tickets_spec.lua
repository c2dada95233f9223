local board = require "support.board"
local ffi, lib = require("support.probe").ffi, board.lib

local HOUR, NOW = 3600, 1800000000

describe("the keys of session tickets", function()
  local b
  before_each(function() b = board.create() end)

  local function newest(of, at)
    local key = ffi.new "uint8_t[80]"
    assert.is_true(lib.board_tickets_newest(of, at, key))
    return ffi.string(key, 80)
  end

  local function knows(of, key)
    local found = ffi.new "uint8_t[80]"
    local is_known = lib.board_tickets_find(of, ffi.cast("const uint8_t *", key), found)
    assert.is_true(not is_known or ffi.string(found, 80) == key)
    return is_known
  end

  it("are one an hour, and three older ones still decrypt", function()
    local keys = {}
    for hour = 1, 5 do
      keys[hour] = newest(b, NOW + hour * HOUR)
      assert.equals(keys[hour], newest(b, NOW + hour * HOUR + 10))
      assert.not_equals(keys[hour - 1], keys[hour])
    end
    assert.is_false(knows(b, keys[1]))
    for hour = 2, 5 do assert.is_true(knows(b, keys[hour])) end
  end)

  it("are not kept longer because nobody asked for a while", function()
    local old = newest(b, NOW)
    newest(b, NOW + 7 * HOUR)
    assert.is_false(knows(b, old))
  end)

  it("stay when the clock goes back", function()
    local key = newest(b, NOW)
    assert.equals(key, newest(b, NOW - 5 * HOUR))
  end)

  it("go on to the next board", function()
    local old, key = newest(b, NOW), newest(b, NOW + HOUR)
    local next_board = board.create()
    assert.is_true(lib.board_tickets_begin(next_board, NOW + HOUR))
    lib.board_take(next_board, b, true)
    assert.equals(key, newest(next_board, NOW + HOUR))
    assert.is_true(knows(next_board, old))
  end)

  it("are made once, though two find the hour over", function()
    newest(b, NOW)
    b.tickets.claimed = b.tickets.newest + 1 -- by one that died before it made the key
    local same = newest(b, NOW + HOUR)
    assert.is_true(knows(b, same))
    assert.not_equals(same, newest(b, NOW + 2 * HOUR))
  end)
end)
