-- The methods of pool objects that choose a backend.

local ffi = require "neap.ffi"
local part = require "neap.runtime.part"
local view_kind = require "neap.runtime.view"

local C, needs_colon = ffi.C, view_kind.needs_colon
local behind, order_of, turn_of, slots_of = part.behind, part.order, part.turn, part.slots
local places_of = part.places
local floor = math.floor

local choose = {}

function choose.round_robin(view)
  local entry = behind(view) or needs_colon("pool", "round_robin")
  local order = entry.order or order_of(entry)
  local turn = entry.turn or turn_of(entry)
  return order[turn:next() % #order + 1]
end

-- The one with the fewest requests in flight for its weight; equal ones take turns, by weight.
function choose.least_loaded(view)
  local entry = behind(view) or needs_colon("pool", "least_loaded")
  local list, n = entry.list, entry.n
  if n < 2 then return list[1] end
  local places = entry.places or places_of(entry).places
  local first = places[entry.least_turn:next() % #places + 1]
  -- An idle one is never more loaded than another.
  if list[first + 1].inflight == 0 then return list[first + 1] end
  slots_of(entry)
  return list[C.neap_pool_least_loaded(entry.slots, entry.weights, n, 0, first) + 1]
end

local function needs_integer(what, value)
  if type(value) ~= "number" or value < 1 or value % 1 ~= 0 then
    error(("%s must be an integer above 0"):format(what), 3)
  end
end

-- One at random, by weight; or the least loaded of n such.
function choose.random(view, n)
  local entry = behind(view) or needs_colon("pool", "random")
  local list = entry.order or order_of(entry)
  local best = list[floor(C.neap_random() * #list) + 1]
  if n == nil or not best then return best end
  needs_integer("random(n): n", n)
  for _ = 2, n do
    local other = list[floor(C.neap_random() * #list) + 1]
    if other.inflight * best.weight < best.inflight * other.weight then best = other end
  end
  return best
end

-- The same backend for the same key, whichever others come and go (rendezvous hashing, by weight).
function choose.hash(view, key)
  local entry = behind(view) or needs_colon("pool", "hash")
  if type(key) == "number" then key = tostring(key) end
  if type(key) ~= "string" then
    error(("hash(key): key must be a string, not %s"):format(type(key)), 2)
  end
  local n = entry.n
  if n == 0 then return nil end
  slots_of(entry)
  local ids = entry.ids or part.ids(entry)
  return entry.list[C.neap_pool_hash(entry.weights, ids, n, key, #key) + 1]
end

function choose.first(view)
  local entry = behind(view) or needs_colon("pool", "first")
  return entry.list[1]
end

return choose
