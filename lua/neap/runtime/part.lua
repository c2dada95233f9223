-- The true content of a pool object. The object itself is a plain array that hooks have, and may
-- change as they like. neap uses the content here, which no hook can reach.

local ffi = require "neap.ffi"
local backends = require "neap.runtime.backends"
local order = require "neap.runtime.order"
local ramp = require "neap.runtime.ramp"
local seal = require "neap.runtime.seal"

local C = ffi.C
local istype, Backend, weights_of = ffi.istype, backends.type, backends.weights

local part = {}

-- array → { record, list, n, tier, filters, … }. An entry must not refer to its array, which would
-- then never be freed.
local info = setmetatable({}, { __mode = "k" })

---@param view any
---@return table?  -- nil: it is no pool object
function part.of(view) return info[view] end

---@param record table  the pool's (see pools.lua)
---@param list table  the backends; nobody else may have it
---@param tier number
---@param filters table?  { field, value, filters } that made it
---@return table view
function part.new(record, list, tier, filters)
  local view, n = {}, #list
  for i = 1, n do view[i] = list[i] end
  local ramping = record.slow_start and ramp.of(list, record.slow_start) or nil
  info[view] = {
    record = record, list = list, n = n, tier = tier, filters = filters, ramp = ramping,
  }
  seal.guard(view)
  return setmetatable(view, ramping and record.slow or record.plain)
end

-- User code may have run since: the arrays have to be compared again.
local turn = 0
function part.look_again() turn = turn + 1 end

-- Does the array still show what it was made of? (Nothing can be added to it: see seal.guard.)
---@param array table
---@param holder table  list; remembers that it was looked at
---@return boolean
function part.is_whole(array, holder)
  if holder.looked_at == turn then return true end
  local list = holder.list
  local n = #list
  if #array ~= n then return false end
  for i = 1, n do
    if not rawequal(array[i], list[i]) then return false end
  end
  holder.looked_at = turn
  return true
end

-- The same part in an array that nobody has changed.
function part.again(entry)
  return part.new(entry.record, entry.list, entry.tier, entry.filters)
end

-- For methods of an array that a hook has taken backends out of: the rest of it.
local function rest(view, entry)
  local list = {}
  for i = 1, #view do
    if istype(Backend, view[i]) then table.insert(list, view[i]) end
  end
  return {
    record = entry.record, list = list, n = #list, tier = entry.tier, filters = entry.filters,
    turn = entry.turn,
  }
end

-- What a method chooses from.
---@return table entry
function part.behind(view)
  local entry = info[view]
  if entry and #view ~= entry.n then return rest(view, entry) end
  return entry
end

-- The weighted order, made when it is first asked for.
---@return table
function part.order(entry)
  if not entry.order then entry.order = order.make(entry.list, weights_of(entry.list)) end
  return entry.order
end

-- The name of its turn. Each part of a pool has its own: if they shared one, requests that go to
-- two parts by turns would always get the same backends in each.
local function turn_name(entry, word)
  if entry.n < 2 then return word end
  local words, filters = { word }, entry.filters
  while filters do
    table.insert(words, filters[1] .. "=" .. tostring(filters[2]))
    filters = filters[3]
  end
  return table.concat(words, "\30")
end

-- The counter that says whose turn it is, shared by all workers.
function part.turn(entry)
  if not entry.turn then entry.turn = entry.record.turns(turn_name(entry, "turn")) end
  return entry.turn
end

-- The places of its list in the weighted order, from 0, and their turn: where to begin to look for
-- the least loaded, so that equal ones take turns by weight. The turn is not that of round_robin,
-- because a policy may call both.
---@return table entry  with `places` and `least_turn`
function part.places(entry)
  if entry.places then return entry end
  local indexes = {}
  for i = 1, entry.n do indexes[i] = i - 1 end
  entry.places = order.make(indexes, weights_of(entry.list))
  entry.least_turn = entry.record.turns(turn_name(entry, "least"))
  return entry
end

-- For the methods written in C: `slots` and `weights`, in the order of the list.
---@return table entry
function part.slots(entry)
  if entry.slots then return entry end
  local n = entry.n
  local slots, weights = ffi.new("int32_t[?]", n), ffi.new("uint32_t[?]", n)
  for i = 1, n do
    local slot = entry.list[i].slot
    slots[i - 1], weights[i - 1] = slot, C.neap_slot_at(slot).weight
  end
  entry.slots, entry.weights = slots, weights
  return entry
end

-- And the hashes of their names.
function part.ids(entry)
  if entry.ids then return entry.ids end
  local ids = ffi.new("double[?]", entry.n)
  C.neap_pool_ids(entry.slots, entry.n, ids)
  entry.ids = ids
  return ids
end

return part
