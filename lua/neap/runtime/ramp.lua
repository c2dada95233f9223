-- Slow start: a backend that has just come back, or joined, gets only a part of its turns, which
-- grows with time. If one backend of a view ramps, the view has these methods in place of those in
-- choose.lua; all other views pay nothing. Hashes do not ramp: keys would move all the time.

local ffi = require "neap.ffi"
local backends = require "neap.runtime.backends"
local current = require "neap.runtime.current"

local C, needs_colon = ffi.C, require("neap.runtime.view").needs_colon
local at, state = backends.at, current.state

local ramp = {}

local TRIES = 64
local SCALE = 1000 -- of weights, so that parts of 1 are there

-- Its share of what it will have: 0 … 1.
local function share_at(r, since, now)
  local passed = (now - since) / r.time
  if passed >= 1 then return 1 end
  return passed > 0 and r.from + (1 - r.from) * passed or r.from
end

-- Are they all new? Then shares are relative to that of the oldest.
local function top_at(r, now)
  return r.oldest and share_at(r, r.oldest, now) or 1
end

-- The backends of a list that ramp; nil: none. `slow_start` as configured.
function ramp.of(list, slow_start)
  local now = state.unix_now[0]
  local r = { time = slow_start.time, from = slow_start.from, since = {}, indexes = {}, ends = 0 }
  for i = 1, #list do
    local slot = list[i].slot
    local since = tonumber(at[slot].back_since_ms) / 1000
    if now < since + r.time then
      r.since[slot] = since
      r.ends = math.max(r.ends, since + r.time)
      r.oldest = math.min(r.oldest or since, since)
      table.insert(r.indexes, i)
    end
  end
  if #r.indexes == 0 or #list == 1 then return nil end
  if #r.indexes < #list then r.oldest = nil end
  return r
end

-- The time now; the next look at the pool is without a ramp when this one is over.
local function now_of(entry)
  local now = state.unix_now[0]
  if now >= entry.ramp.ends then entry.record.seen = nil end
  return now
end

local function takes_turn(r, b, now)
  local since = r.since[b.slot]
  if not since then return true end
  local share = share_at(r, since, now)
  return share == 1 or C.neap_random() * top_at(r, now) < share
end

local function draw(entry, list, now)
  local b
  for _ = 1, TRIES do
    b = list[math.floor(C.neap_random() * #list) + 1]
    if not b or takes_turn(entry.ramp, b, now) then break end
  end
  return b
end

-- The weights in parts of themselves, as they are now.
local function weights_at(entry, now)
  local weights, r = entry.scaled, entry.ramp
  if not weights then
    weights = ffi.new("uint32_t[?]", entry.n)
    for i = 0, entry.n - 1 do weights[i] = entry.weights[i] * SCALE end
    entry.scaled = weights
  end
  for k = 1, #r.indexes do
    local i = r.indexes[k] - 1
    local share = share_at(r, r.since[entry.slots[i]], now)
    weights[i] = math.max(1, entry.weights[i] * share * SCALE)
  end
  return weights
end

-- The methods of views in which a backend ramps.
---@param choose table  the plain ones
---@param part table  neap.runtime.part
---@return table
function ramp.methods(choose, part)
  local slow = {}
  local behind, order_of, turn_of, slots_of = part.behind, part.order, part.turn, part.slots

  function slow.round_robin(view)
    local entry = behind(view) or needs_colon("pool", "round_robin")
    if not entry.ramp then return choose.round_robin(view) end -- a policy took some out
    local list, turn = order_of(entry), turn_of(entry)
    local now, b = now_of(entry), nil
    for _ = 1, TRIES do
      b = list[turn:next() % #list + 1]
      if not b or takes_turn(entry.ramp, b, now) then break end
    end
    return b
  end

  function slow.random(view, n)
    local entry = behind(view) or needs_colon("pool", "random")
    if not entry.ramp then return choose.random(view, n) end
    local list = order_of(entry)
    local now = now_of(entry)
    local best = draw(entry, list, now)
    for _ = 2, best and n or 1 do
      local other = draw(entry, list, now)
      if other.inflight * best.weight < best.inflight * other.weight then best = other end
    end
    return best
  end

  -- Where to begin to look: at the backend whose turn is next.
  local function first_of(entry, now)
    local places, turn, first = entry.places, entry.least_turn, nil
    for _ = 1, TRIES do
      first = places[turn:next() % #places + 1]
      if takes_turn(entry.ramp, entry.list[first + 1], now) then break end
    end
    return first
  end

  function slow.least_loaded(view)
    local entry = behind(view) or needs_colon("pool", "least_loaded")
    if not entry.ramp then return choose.least_loaded(view) end
    slots_of(part.places(entry))
    local now = now_of(entry)
    local first = first_of(entry, now)
    if entry.list[first + 1].inflight == 0 then return entry.list[first + 1] end
    local weights = weights_at(entry, now)
    return entry.list[C.neap_pool_least_loaded(entry.slots, weights, entry.n, 1, first) + 1]
  end

  return slow
end

return ramp
