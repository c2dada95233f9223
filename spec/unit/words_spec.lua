-- What Lua knows of C's enums (lua/neap/native.lua), and the words that both have for them.

local probe = require "support.probe"
local words = require "neap.words"

local N = require("neap.ffi").numbers

local lib = probe.load [[
const char *board_state_word(int state);
const char *hook_word(uint32_t id);
const char *grpc_word(int status);
]]

local function assert_same_words(list, count, word_of)
  for number = 0, count - 1 do
    assert.equal(probe.ffi.string(word_of(number)), list[number])
  end
  assert.is_nil(list[count])
end

describe("numbers that C and Lua share", function()
  it("have one word each", function()
    assert_same_words(words.states, N.NEAP_STATE_EJECTED + 1, lib.board_state_word)
    assert_same_words(words.hooks, N.NEAP_HOOKS, lib.hook_word)
    assert_same_words(words.grpc, N.NEAP_GRPC_STATUSES, lib.grpc_word)
  end)

  it("are the numbers of C's headers, with NEAP_ before their names", function()
    assert.equal(4, N.NEAP_STATE_EJECTED)
    assert.equal(16384, N.NEAP_BOARD_BACKENDS_MAX)
    assert.equal(N.NEAP_BOARD_WORKERS_MAX + 2, N.NEAP_BOARD_ROWS)
    assert.has_error(function() return N.NEAP_NOTHING end)
  end)

  it("are words by number, and numbers by word", function()
    local states = words.numbers(words.states)
    assert.equal(N.NEAP_STATE_DRAIN, states.drain)
    assert.equal(N.NEAP_LOG_LEVEL_ERROR, words.numbers(words.levels).error)
  end)
end)
