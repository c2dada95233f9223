-- The board as the agent writes it. Addresses are texts here: "192.0.2.1", "2001:db8::1", or "unix"
-- (the path is that of the backend).

local ffi = require "neap.ffi"
local tags = require "neap.tags"
local words = require "neap.words"

local C = ffi.C

local board = {}

local N = ffi.numbers
local ADDRS_MAX, SLOTS_MAX = N.NEAP_BOARD_ADDRS_MAX, N.NEAP_BOARD_BACKENDS_MAX
local AF_UNIX = 1 -- the system's

local b -- struct board *
local member = ffi.new "neap_member"
local condition = ffi.new "neap_condition"
local addrs = ffi.new("neap_addr[?]", ADDRS_MAX)
local host = ffi.new "char[128]"
local text = ffi.new "char[64]"
local slot_list = ffi.new("int32_t[?]", SLOTS_MAX)

---@return table board  this module, about the board of this process
function board.attach()
  b = C.neap_runtime().board
  return board
end

local function none(index) return index >= 0 and index or nil end

---@return integer?  -- nil: the board is full
function board.pool(name) return none(C.neap_board_pool(b, name, #name)) end

---@return integer? slot
function board.find(pool, name) return none(C.neap_board_find(b, pool, name, #name)) end

local function fill_addrs(to, port, addresses)
  local n = 0
  for _, address in ipairs(addresses) do
    if n < ADDRS_MAX and address == "unix" then
      to[n].family, to[n].port = AF_UNIX, 0
      n = n + 1
    elseif n < ADDRS_MAX and C.neap_addr_of_ip(address, #address, port, to[n]) == 1 then
      n = n + 1
    end
  end
  return n
end

local function fill_text(key, value)
  value = value or ""
  ffi.copy(member[key], value, math.min(#value, ffi.sizeof(member[key]) - 1))
end

local TEXTS = { "name", "url", "scheme", "host", "base", "path", "zone", "server_name" }

---@param pool integer
---@param def table  a backend as the configuration has it
---@param addresses string[]
---@return integer? slot  -- nil: the board is full
function board.publish(pool, def, addresses)
  ffi.fill(member, ffi.sizeof(member))
  for _, key in ipairs(TEXTS) do fill_text(key, def[key]) end
  fill_text("tags", tags.encode(def.tags or {}))
  member.port, member.weight, member.tier = def.port, def.weight, def.tier
  member.slots = def.slots or 0
  member.send_proxy = type(def.send_proxy) == "table" and ffi.numbers.NEAP_SEND_PROXY_V2_TLS
    or def.send_proxy or 0
  member.addrs = fill_addrs(member.addr, def.port, addresses)
  return none(C.neap_board_publish(b, pool, member))
end

---@return boolean is_new
function board.set_addresses(slot, port, addresses)
  ffi.fill(addrs, ffi.sizeof(addrs))
  return C.neap_board_set_addrs(b, slot, addrs, fill_addrs(addrs, port, addresses)) == 1
end

---@return string[]
function board.addresses(slot)
  local list = {}
  for i = 0, C.neap_board_addrs(b, slot, addrs, host) - 1 do
    local n = tonumber(C.neap_addr_print(addrs[i], text, ffi.sizeof(text)))
    table.insert(list, n > 0 and ffi.string(text, n) or "unix")
  end
  return list
end

---@return string  of the backend's URL
function board.host(slot)
  C.neap_board_addrs(b, slot, addrs, host)
  return ffi.string(host)
end

function board.set_members(pool, slots)
  for i, slot in ipairs(slots) do slot_list[i - 1] = slot end
  C.neap_board_set_members(b, pool, slot_list, #slots)
end

function board.version(pool) return C.neap_board_version(b, pool) end

-- Another number for each change of state.
function board.stamp(slot) return C.neap_board_stamp(b, slot) end

---@return table  state (a number, see neap.words), reason, epoch, is_marked (by a request),
--- ejected_until (ms)
function board.condition(slot)
  C.neap_board_condition(b, slot, condition)
  return {
    state = condition.state,
    epoch = condition.epoch,
    reason = ffi.string(condition.reason, condition.reason_n),
    is_marked = condition.marked == 1,
    ejected_until = condition.ejected_until_ms,
    since = condition.since_ms,
  }
end

-- The result of checks: up or down, unless it drains or is ejected.
---@return boolean is_new
function board.checked(slot, is_up, reason)
  return C.neap_board_checked(b, slot, is_up and 1 or 0, reason, #reason) == 1
end

local outlier = ffi.new "neap_outlier"

---@return number streak  failures in a row
---@return number ejections  how often it was ejected lately
---@return number requests, number failures  sums that wrap around at 2^32
function board.outlier(slot)
  C.neap_board_outlier(b, slot, outlier)
  return outlier.streak, outlier.ejections, outlier.requests, outlier.failures
end

local suspicion = ffi.new "neap_suspicion"

-- Failures after connecting.
---@return number failures  in a row
---@return number suspected  ever; wraps around
---@return string reason  of the first one in the row
function board.suspicion(slot)
  C.neap_board_suspicion(b, slot, suspicion)
  local failures, suspected = suspicion.failures, suspicion.suspected
  if failures == 0 then return 0, suspected, "" end
  return failures, suspected, ffi.string(suspicion.reason, suspicion.reason_n)
end

-- Another number each time that a backend becomes suspect, or fails once more as one.
function board.suspected(pool) return C.neap_board_suspected(b, pool) end

-- Marks it as a request does: it is checked again soon.
---@return boolean is_new
function board.mark_down(slot, reason)
  return C.neap_board_mark_down(b, slot, reason, #reason) == 1
end

-- Did a person set its state?
function board.is_pinned(slot)
  C.neap_board_outlier(b, slot, outlier)
  return outlier.pinned == 1
end

-- Another number when a backend has just failed as often in a row as the pool's `eject` says.
function board.outliers(pool) return C.neap_board_outliers(b, pool) end

---@return boolean is_new
function board.eject(slot, until_ms, ejections, reason)
  return C.neap_board_eject(b, slot, until_ms, ejections, reason, #reason) == 1
end

local share = ffi.new "neap_share"

-- How many of the tier in use are up, and how many it has.
---@return number up, number of
function board.share(pool)
  C.neap_board_share(b, pool, share)
  return share.up, share.of
end

function board.set_panics(pool, is_panicking)
  C.neap_board_set_panics(b, pool, is_panicking and 1 or 0)
end

local NUMBERS = words.numbers(words.states)

---@return boolean is_new
function board.set_state(slot, state, reason)
  return C.neap_board_set_state(b, slot, NUMBERS[state], reason, #reason) == 1
end

-- A person sets the state: it stays until it is set to nil, which returns it to the checks.
---@return boolean is_new
function board.pin(slot, state, reason)
  local pin = state and NUMBERS[state] + 1 or 0
  return C.neap_board_pin(b, slot, pin, reason, #reason) == 1
end

function board.reclaim() C.neap_board_reclaim(b) end

function board.wall_ms() return C.neap_wall_ms() end

return board
