-- How often something may happen: neap.limit { rate =, per =, burst =, store = }. By the generic
-- cell rate algorithm (ITU-T I.371), one atomic operation in a store that all processes share.

local bound = require "neap.runtime.bound"
local current = require "neap.runtime.current"
local ffi = require "neap.ffi"
local request = require "neap.runtime.request"
local shared = require "neap.runtime.shared"

local C, N = ffi.C, ffi.numbers
local state = current.state
local OK, NOT_FOUND, TOO_LARGE = N.NEAP_STORE_OK, N.NEAP_STORE_NOT_FOUND, N.NEAP_STORE_TOO_LARGE
local is_request = request.is

local WHAT = "neap.limit"
local KNOWN = { rate = true, per = true, burst = true, store = true, name = true }

-- Seconds: what a whole burst may need to come back. Its nanoseconds have to fit into 64 bits.
local SPAN_MAX = 1e9

local limit = {}

local limits, methods = {}, {}
local Limit, get = bound.handles("limit", limits, { name = true, burst = true }, methods)

local answer = C.neap_store_answers

local function check_span(rate, per, burst)
  if burst * per / rate <= SPAN_MAX then return end
  error(("neap.limit: burst: %g at %g in %g s come back within %g s (expected at most %g s)")
    :format(burst, rate, per, burst * per / rate, SPAN_MAX), 4)
end

local function read(given)
  bound.check_keys(WHAT, given, KNOWN)
  local rate = bound.number(WHAT, given, { key = "rate", least = 1e-6 })
  local per = bound.number(WHAT, given, { key = "per", default = 1, least = 1e-3 })
  local burst = bound.number(WHAT, given,
    { key = "burst", default = math.max(1, rate), least = 1 })
  check_span(rate, per, burst)
  local name = bound.name(WHAT, given, ("%g_per_%g_burst_%g"):format(rate, per, burst))
  local row = ffi.new "neap_limit"
  bound.set_id(row, name)
  row.interval_us = per / rate * 1e6
  row.tolerance_us = burst * row.interval_us
  local one = bound.new("limit", "limit", name, bound.store(WHAT, given))
  one.row, one.burst = row, burst
  return one
end

local function failed(one, result)
  if result == NOT_FOUND then return true end -- a client without an address
  if result ~= TOO_LARGE then return bound.unable(one, result) end
  bound.refused(one)
  return false, math.huge
end

-- true, or false and the seconds until it would pass.
function methods.take(handle, key, cost)
  local one = get(handle)
  if cost == nil then cost = 1 end
  if type(cost) ~= "number" or cost ~= cost or cost < 0 then
    error("limit:take: the cost is not a number of 0 or more", 2)
  end
  local store, result = shared.place(one.store), nil
  if type(key) == "string" then
    result = C.neap_limit_take(store, one.row, key, #key, cost)
  elseif is_request(key) then
    result = C.neap_limit_take_client(store, one.row, state.request, cost)
  else
    bound.bad_key("limit", "take", key)
  end
  if result ~= OK then return failed(one, result) end
  local wait = answer().number
  if wait == 0 then return true end
  bound.refused(one)
  return false, wait / 1e6
end

-- What could be taken now, and the seconds until that is a whole burst again.
function methods.look(handle, key)
  local one = get(handle)
  local store, result = shared.place(one.store), nil
  if type(key) == "string" then
    result = C.neap_limit_look(store, one.row, key, #key)
  elseif is_request(key) then
    result = C.neap_limit_look_client(store, one.row, state.request)
  else
    bound.bad_key("limit", "look", key)
  end
  local ahead = result == OK and answer().ahead_us or 0
  local left = (one.row.tolerance_us - ahead) / one.row.interval_us
  return math.max(0, math.floor(left + 1e-6)), ahead / 1e6
end

---@param given table  rate, per = 1 (seconds), burst = rate, store = "limits", name
function limit.new(given)
  if type(given) ~= "table" then error("neap.limit { rate =, per =, burst =, store = }", 2) end
  local n = #limits + 1
  limits[n] = read(given)
  return Limit(n)
end

return limit
