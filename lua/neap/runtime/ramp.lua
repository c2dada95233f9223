-- Slow start: what came back, or joined, a moment ago gets only a part of its turns, the longer it
-- is there the more. A view of backends one of which ramps has these methods in place of those in
-- pools.lua; all others cost nothing. Hashes have no such thing: keys would move all the time.

local ffi = require "neap.ffi"
local backends = require "neap.runtime.backends"
local current = require "neap.runtime.current"

local C = ffi.C
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

-- Are they all new? Then shares are beside that of the oldest.
local function top_at(r, now)
  return r.oldest and share_at(r, r.oldest, now) or 1
end

-- Who of a list ramps; nil: nobody. `slow_start` as configured.
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

---@param methods table  of pools.lua
---@param order_of fun(view): table
---@param entry_of fun(view, n): table  with slots and weights
---@return table  -- methods that go in their place
function ramp.methods(methods, info, order_of, entry_of)
  local slow = {}

  function slow.round_robin(view)
    local entry, list, turn = info[view], order_of(view), view.turns(view.turn)
    local now, b = now_of(entry), nil
    for _ = 1, TRIES do
      b = list[turn:next() % #list + 1]
      if not b or takes_turn(entry.ramp, b, now) then break end
    end
    return b
  end

  local function draw(entry, list, now)
    local b
    for _ = 1, TRIES do
      b = list[math.floor(C.neap_random() * #list) + 1]
      if not b or takes_turn(entry.ramp, b, now) then break end
    end
    return b
  end

  function slow.random(view, n)
    local entry, list = info[view], order_of(view)
    local now = now_of(entry)
    local best = draw(entry, list, now)
    for _ = 2, best and n or 1 do
      local other = draw(entry, list, now)
      if other.inflight * best.weight < best.inflight * other.weight then best = other end
    end
    return best
  end

  local function scaled(entry, n)
    if not entry.scaled then
      entry.scaled = ffi.new("uint32_t[?]", n)
      for i = 0, n - 1 do entry.scaled[i] = entry.weights[i] * SCALE end
    end
    return entry.scaled
  end

  function slow.least_loaded(view)
    local n = #view
    if n ~= info[view].n then return methods.least_loaded(view) end -- a policy took some out
    local entry = entry_of(view, n)
    local r, now, weights = entry.ramp, now_of(entry), scaled(entry, n)
    for k = 1, #r.indexes do
      local i = r.indexes[k] - 1
      local share = share_at(r, r.since[entry.slots[i]], now)
      weights[i] = math.max(1, entry.weights[i] * share * SCALE)
    end
    return view[C.neap_pool_least_loaded(entry.slots, weights, n, 1) + 1]
  end

  return slow
end

return ramp
