-- The board under several processes at once: nothing is counted twice, lost, or seen half written.
local board = require "support.board"
local process = require "support.process"
local scope = require "support.scope"
local eventually = require "support.eventually"
local ffi = require("support.probe").ffi
local lib = board.lib

describe("the board between processes", function()
  local b, output
  before_each(function()
    b = board.create()
    output = scope.directory() .. "/output"
  end)

  local function start(fn) return process.fork(fn, { output = output }) end

  local function wait_all(pids)
    eventually(function()
      for _, pid in ipairs(pids) do assert(not process.exists(pid)) end
    end, 20)
    assert.equals("", scope.read(output))
  end

  local function spread(count, fn)
    local pids = {}
    for i = 1, count do pids[i] = start(function() fn(i) end) end
    wait_all(pids)
  end

  local function counters(of)
    local name, value, found = ffi.new "char[128]", ffi.new "uint64_t[1]", {}
    for i = 0, lib.BOARD_COUNTERS_MAX - 1 do
      if lib.board_counter_at(of, i, name, 128, value) then
        assert.is_nil(found[ffi.string(name)])
        found[ffi.string(name)] = tonumber(value[0])
      end
    end
    return found
  end

  it("counts exactly, in one counter a name, whoever comes first", function()
    spread(4, function()
      for turn = 1, 20000 do
        local name = "web\31name" .. turn % 50
        lib.board_counter_add(lib.board_counter(b, board.str(name)), 1)
      end
    end)
    local values = counters(b)
    for i = 0, 49 do assert.equals(1600, values["web\31name" .. i]) end
  end)

  it("gives each turn to one process only", function()
    local cell = lib.board_counter(b, board.str "turn")
    spread(4, function(i)
      for _ = 1, 4000 do
        local turn = tonumber(lib.board_counter_add(cell, 1))
        b.cells[i][turn].requests = 1
      end
    end)
    for turn = 0, 15999 do
      local takers = 0
      for i = 1, 4 do takers = takers + tonumber(b.cells[i][turn].requests) end
      assert(takers == 1, turn)
    end
  end)

  it("has as many counters as it says", function()
    for i = 1, lib.BOARD_COUNTERS_MAX do
      assert(lib.board_counter(b, board.str("name" .. i)) ~= nil)
    end
    assert.is_true(lib.board_counter(b, board.str "one more") == nil)
    assert.is_true(lib.board_counter(b, board.str "name7") ~= nil)
  end)

  it("lets exactly one of many make each change of state", function()
    local pool, slots = board.publish(b, "web", { "a" })
    local before = b.pools[pool].version
    spread(4, function(i)
      for round = 1, 20000 do
        if lib.board_set_state(b, slots[1], round % 2 + 1, board.str "x", round) then
          local cell = b.cells[i][slots[1]]
          cell.requests = cell.requests + 1
        end
      end
    end)
    for i = 1, 4 do lib.board_worker_note(b, i) end
    local totals = ffi.new "uint64_t[2]"
    lib.board_totals(b, slots[1], totals, totals + 1)
    assert.is_true(totals[0] > 0)
    assert.equals(tonumber(totals[0]), b.pools[pool].version - before)
  end)

  it("trips a hook once for five errors of five processes", function()
    spread(5, function(i)
      local row = b.cells[i][0]
      row.requests = lib.board_hook_error(b, 0, 0, 1000) and 1 or 0
    end)
    local trips = 0
    for i = 1, 5 do trips = trips + tonumber(b.cells[i][0].requests) end
    assert.equals(1, trips)
  end)

  it("never shows half a text or half a list", function()
    local pool, slots = board.publish(b, "web", { "a", "b", "c" })
    local function publish(letter)
      local m = board.member { name = "a" }
      ffi.fill(m.text.url, 255, letter:byte())
      ffi.fill(m.text.tags, 512, letter:byte())
      lib.board_backend_publish(b, pool, m, "STATE_UNKNOWN")
    end
    publish "x"
    local writer = start(function()
      while true do
        for _, letter in ipairs { "x", "y", "z" } do
          publish(letter)
          board.set_members(b, pool, letter == "x" and slots or { slots[3], slots[1] })
        end
      end
    end)
    spread(2, function()
      local text = ffi.new "struct board_text"
      for _ = 1, 100000 do
        assert(lib.board_backend_text(b, slots[1], b.backends[slots[1]].epoch, text))
        assert(text.url[0] == text.url[254] and text.url[0] == text.tags[0])
        assert(text.tags[0] == text.tags[511])
        local list = board.members(b, pool)
        assert(#list == 3 and list[2] == slots[2] or #list == 2 and list[1] == slots[3])
      end
    end)
    process.signal(writer, "KILL")
    eventually(function() return not process.exists(writer) end)
    assert.equals("a", board.name(b, slots[1]))
  end)
end)
