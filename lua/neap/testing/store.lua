-- Stands in for the stores of src/shm/store*.c: the same answers, over the virtual clock. It is
-- never full: how much fits depends on the layout in shared memory.

local ffi = require "neap.ffi"
local sorted = require "neap.sorted"

local N = ffi.numbers
local OK, EXISTS, NOT_FOUND = N.NEAP_STORE_OK, N.NEAP_STORE_EXISTS, N.NEAP_STORE_NOT_FOUND
local OTHER_KIND, KEY_LONG = N.NEAP_STORE_OTHER_KIND, N.NEAP_STORE_KEY_LONG
local TOO_LARGE = N.NEAP_STORE_TOO_LARGE
local FIFTHS = 5
local ROUNDED_US = 1 -- a number of seconds since 1970 is exact to a quarter of that

local store = {}

local function new_stores(now)
  local self = { all = {} }

  function self.entries(number)
    local entries = self.all[number]
    if not entries then
      entries = {}
      self.all[number] = entries
    end
    return entries
  end

  -- What is there and has not expired.
  function self.live(number, key)
    local entry = self.entries(number)[key]
    if entry and entry.expires and entry.expires <= now() then
      self.entries(number)[key] = nil
      return nil
    end
    return entry
  end

  function self.put(number, key, kind, value, ttl)
    self.entries(number)[key] = { kind = kind, value = value, expires = ttl > 0 and now() + ttl }
    return OK
  end

  return self
end

local function add_values(C, stores, answer, out)
  local function set(number, key, kind, value, ttl, when)
    if #key > N.NEAP_STORE_KEY_MAX then return KEY_LONG end
    local entry = stores.live(number, key)
    if when == N.NEAP_STORE_IF_ABSENT and entry then return EXISTS end
    if when == N.NEAP_STORE_IF_THERE and not entry then return NOT_FOUND end
    return stores.put(number, key, kind, value, ttl)
  end

  function C.neap_store_get(number, key)
    local entry = stores.live(number, key)
    answer.result = #key > N.NEAP_STORE_KEY_MAX and KEY_LONG or OK
    if not entry or entry.kind > N.NEAP_STORE_TEXT then return N.NEAP_STORE_NOTHING end
    if entry.kind == N.NEAP_STORE_NUMBER then answer.number = entry.value end
    if entry.kind == N.NEAP_STORE_TEXT then out(entry.value) end
    return entry.kind
  end

  function C.neap_store_set_number(number, key, _, value, ttl, when)
    return set(number, key, N.NEAP_STORE_NUMBER, value, ttl, when)
  end
  function C.neap_store_set_text(number, key, _, value, _, ttl, when)
    return set(number, key, N.NEAP_STORE_TEXT, value, ttl, when)
  end
  function C.neap_store_set_flag(number, key, _, kind, ttl, when)
    return set(number, key, kind, true, ttl, when)
  end

  function C.neap_store_increment(number, key, _, by, has_initial, initial, ttl)
    local entry = stores.live(number, key)
    if entry and entry.kind ~= N.NEAP_STORE_NUMBER then return OTHER_KIND end
    if not entry and has_initial == 0 then return NOT_FOUND end
    answer.number = (entry and entry.value or initial) + by
    if not entry then return set(number, key, N.NEAP_STORE_NUMBER, answer.number, ttl) end
    entry.value = answer.number
    return OK
  end
end

local function add_rest(C, stores, now, answer, out)
  function C.neap_store_delete(number, key)
    if not stores.live(number, key) then return NOT_FOUND end
    stores.entries(number)[key] = nil
    return OK
  end

  function C.neap_store_ttl(number, key)
    local entry = stores.live(number, key)
    if not entry then return NOT_FOUND end
    answer.number = entry.expires and entry.expires - now() or 0
    return OK
  end

  function C.neap_store_flush(number) stores.all[number] = nil end

  local listed, at = {}, 0
  function C.neap_store_list(number)
    listed, at = {}, 0
    for _, key in ipairs(sorted.keys(stores.entries(number))) do
      if stores.live(number, key) then table.insert(listed, key) end
    end
  end
  function C.neap_store_listed()
    at = at + 1
    return listed[at] and out(listed[at]) or 0
  end
end

-- Windows in fifths, and rates, as src/shm/store_rate.c has them.
local function add_rates(C, stores, now, answer, ahead_of)
  local function sum_of(window, fifth, part)
    local sum = 0
    for i = 0, FIFTHS - 1 do sum = sum + (window[fifth - i] or 0) end
    return sum + (window[fifth - FIFTHS] or 0) * (1 - part)
  end

  function C.neap_store_count(number, key, _, by, seconds)
    local entry, span = stores.live(number, key), seconds / FIFTHS
    if entry and entry.kind ~= N.NEAP_STORE_WINDOW then return OTHER_KIND end
    if #key > N.NEAP_STORE_KEY_MAX then return KEY_LONG end
    local window = entry and entry.value.span == span and entry.value or { span = span }
    local fifth = math.floor(now() / span)
    window[fifth] = (window[fifth] or 0) + by
    answer.number = sum_of(window, fifth, now() / span - fifth)
    if by == 0 then return OK end
    return stores.put(number, key, N.NEAP_STORE_WINDOW, window, span * (FIFTHS + 1))
  end

  function C.neap_store_take(number, key, _, cost, interval_us, tolerance_us)
    if cost * interval_us > tolerance_us then return TOO_LARGE end
    if #key > N.NEAP_STORE_KEY_MAX then return KEY_LONG end
    local entry = stores.live(number, key)
    if entry and entry.kind ~= N.NEAP_STORE_RATE then return OTHER_KIND end
    local ahead = ahead_of(entry) * 1e6
    local after = ahead + cost * interval_us
    answer.number, answer.ahead_us = 0, after
    if after <= tolerance_us + ROUNDED_US then
      return stores.put(number, key, N.NEAP_STORE_RATE, now() + after / 1e6, after / 1e6)
    end
    answer.number, answer.ahead_us = math.ceil(after - tolerance_us), ahead
    return OK
  end
end

---@param now fun(): number  seconds
---@param out fun(text: string): integer  leaves a text where the runtime reads it
---@return table C
---@return fun(store: integer, key: string): number ahead  of a rate, in seconds
function store.new(now, out)
  local C, stores, answer = {}, new_stores(now), ffi.new "neap_store_answer"
  function C.neap_store_answers() return answer end
  add_values(C, stores, answer, out)
  add_rest(C, stores, now, answer, out)
  local function ahead_of(entry) return entry and math.max(0, entry.value - now()) or 0 end
  add_rates(C, stores, now, answer, ahead_of)
  return C, function(number, key) return ahead_of(stores.live(number, key)) end
end

return store
