local board = require "support.board"
local lib = board.lib

describe("the board's memory of hooks", function()
  local b
  before_each(function() b = board.create() end)

  local function err(now) return lib.board_hook_error(b, 1, 2, now) end
  local function is_tripped(now) return lib.board_hook_is_tripped(b, 1, 2, now) end

  it("trips at the fifth error within ten seconds, wherever they begin", function()
    for _, now in ipairs { 1000, 2000, 3000, 4000, 11001, 12001 } do assert.is_false(err(now)) end
    assert.is_false(is_tripped(12500))
    assert.is_true(err(12900))
    assert.is_true(is_tripped(13000))
    assert.is_false(err(13100))
    assert.is_false(lib.board_hook_is_tripped(b, 1, 3, 13000))
    assert.is_false(lib.board_hook_is_tripped(b, 2, 2, 13000))
    assert.equals(8, tonumber(b.hooks[1][2].errors))
  end)

  it("lets one try through after thirty seconds; its success ends it", function()
    lib.board_hook_trip(b, 1, 2, 1000)
    assert.equals(1, tonumber(b.hooks[1][2].killed))
    lib.board_hook_ok_after_trip(b, 1, 2) -- a call that began before
    assert.is_true(is_tripped(30999))
    assert.is_false(is_tripped(31000))
    assert.is_true(is_tripped(31001))
    lib.board_hook_ok_after_trip(b, 1, 2)
    assert.is_false(is_tripped(31002))
    for now = 31003, 31006 do assert.is_false(err(now)) end
  end)

  it("trips again when the try errs, and lets another through when it is never heard of", function()
    lib.board_hook_trip(b, 1, 2, 1000)
    assert.is_false(is_tripped(31000))
    assert.is_true(err(31500))
    assert.is_true(is_tripped(61000))
    assert.is_false(is_tripped(61500))
    assert.is_true(is_tripped(71000))
    assert.is_false(is_tripped(71500))
  end)

  it("lets the next one try when the hook was not called after all", function()
    lib.board_hook_trip(b, 1, 2, 1000)
    assert.is_false(is_tripped(31000))
    lib.board_hook_untried(b, 1, 2)
    assert.is_false(is_tripped(31001))
    lib.board_hook_ok_after_trip(b, 1, 2)
    lib.board_hook_untried(b, 1, 2)
    assert.is_false(is_tripped(31002))
    lib.board_hook_trip(b, 1, 2, 40000)
    lib.board_hook_untried(b, 1, 2) -- it was tripped again meanwhile
    assert.is_true(is_tripped(40001))
  end)

  it("ignores what is not on it", function()
    assert.is_false(lib.board_hook_error(b, 256, 0, 1))
    assert.is_false(lib.board_hook_is_tripped(b, 0, 16, 1))
    lib.board_hook_trip(b, 999, 0, 1)
  end)
end)
