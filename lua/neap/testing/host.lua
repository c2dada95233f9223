-- Stands in for the C around the runtime of one virtual balancer: every function of
-- src/script/abi.h that hooks can reach.

local bit = require "bit"
local board = require "neap.testing.board"
local body = require "neap.testing.body"
local concurrency = require "neap.testing.concurrency"
local digest = require "neap.testing.digest"
local ffi = require "neap.ffi"
local limit = require "neap.testing.limit"
local message = require "neap.testing.message"
local network = require "neap.testing.network"
local outside = require "neap.testing.outside"
local route = require "neap.testing.route"
local sha256 = require "neap.testing.sha256"
local store = require "neap.testing.store"

local host = {}

local START = 1577836800 -- 2020-01-01: the virtual clock's first second
local LEVELS = require("neap.words").levels

local function nothing() end

-- Counters count as C's do: as unsigned integers of 64 bits.
---@return any  the state of the dice
local function add_counters(C, seed)
  local cells = {}
  local function shown(value) return value < 0 and value + 2 ^ 64 or value end

  function C.neap_counter(name, n)
    name = type(name) == "string" and name or ffi.string(name, n)
    local cell = cells[name]
    if not cell then
      cell = ffi.new "double[1]"
      cells[name] = cell
    end
    return cell
  end

  function C.neap_counter_add(cell, by)
    local old = cell[0]
    cell[0] = old + by
    return shown(old)
  end

  function C.neap_counter_get(cell) return shown(cell[0]) end
  function C.neap_counter_set(cell, value) cell[0] = value end
  function C.neap_counter_gauge_add(cell, by) cell[0] = cell[0] + by end
  function C.neap_counter_gauge(cell) return cell[0] end

  local random, dice = digest.dice(seed)
  C.neap_random = random
  C.neap_hash = function(text, n, seeded)
    return digest.hash(type(text) == "string" and text or ffi.string(text, n), seeded)
  end
  return dice
end

local function add_digests(C, out, seed)
  function C.neap_hmac(key, _, text)
    out(sha256.hmac(key, text))
  end

  function C.neap_secret()
    return out(sha256.hmac("the secret of a virtual balancer", tostring(seed)))
  end
end

-- The agent's own work, which the kit does not do.
local ABSENT = {
  __index = function(_, name)
    error(("the test kit has no %s"):format(tostring(name)), 2)
  end,
}

-- There is no OpenSSL here: any text passes.
local function add_certificates(C, world)
  function C.neap_certificate_give(_, chain, _, key)
    world.certificate = { certificate = chain, key = key ~= "" and key or nil }
    return 1
  end
end

local function add_access_line(C, world)
  function C.neap_access_line(line)
    world.access_line = line
    return 1
  end
end

local function add_hooks(C)
  local calls = ffi.new("uint64_t[?]", ffi.numbers.NEAP_BOARD_COUNTED)
  function C.neap_hook_calls() return calls end
  C.neap_hook_stage = nothing
end

local function add_clocks(C, clock)
  function C.neap_clock() return clock[0] end
  function C.neap_wall_ms() return clock[0] * 1000 end
end

---@param options table  seed, time, network
---@return table world  C: the functions; what the kit reads and changes of them
function host.new(options)
  local seed = options.seed or 1
  local clock = ffi.new("double[1]", options.time or START)
  local hook = ffi.new "uint32_t[1]"
  local current = ffi.new "neap_current"
  local world = {
    current = current, clock = clock, hook = hook, records = {}, lines = {},
    network = options.network or {}, response_record = nil, on_change = nothing,
    suspects = {}, -- slot → why: since health.lua looked last
    on_line = nothing, last_id = 0,
  }
  function world.on_suspect(slot, reason) world.suspects[slot] = reason end
  current.unix_now, current.hook = clock, hook
  current.worker = 0

  local text -- keeps what Lua is about to read
  local function out(value)
    text = value
    current.out, current.out_n = text, #value
    return 1
  end
  world.out = out

  function world.now() return clock[0] end
  function world.say(level, line)
    table.insert(world.lines, { level = level, text = line })
    world.on_line(level, line)
  end
  function world.wait(seconds) clock[0] = clock[0] + seconds end

  local C = {}
  local function include(functions)
    for name, fn in pairs(functions) do C[name] = fn end
  end
  local board_functions
  board_functions, world.board = board.new(world)
  include(board_functions)
  local stores, ahead = store.new(world.now, out)
  include(stores)
  include(limit.new(C, ahead, world.records))
  include(concurrency.new(C.neap_store_answers(), world))
  include(message.new(out, world.records, function() return world.response_record end))
  include(body.new(out, world.records, world))
  include(route.new(world.records))
  include(network.new(world, out, function() current.waited = 1 end))
  world.dice = add_counters(C, bit.tobit(seed) % 2 ^ 32)
  add_digests(C, out, seed)
  function C.neap_runtime() return current end
  function C.neap_log(level, line, n)
    world.say(LEVELS[level], type(line) == "string" and line or ffi.string(line, n))
  end
  add_clocks(C, clock)
  function C.neap_ping_check() return 1 end
  add_hooks(C)
  add_certificates(C, world)
  include(outside.functions(C.neap_random))
  add_access_line(C, world)
  world.C = setmetatable(C, ABSENT)
  return world
end

return host
