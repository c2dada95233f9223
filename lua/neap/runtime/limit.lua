-- How often something may happen: neap.limit { rate =, per =, burst =, store = }. By the generic
-- cell rate algorithm (ITU-T I.371), one atomic operation in a store that all processes share.

local counters = require "neap.runtime.counters"
local current = require "neap.runtime.current"
local ffi = require "neap.ffi"
local log = require "neap.runtime.log"
local naming = require "neap.config.naming"
local request = require "neap.runtime.request"
local shared = require "neap.runtime.shared"
local show = require "neap.config.show"
local sorted = require "neap.sorted"
local view_kind = require "neap.runtime.view"

local C, N, istype = ffi.C, ffi.numbers, ffi.istype
local state = current.state
local OK, NOT_FOUND, TOO_LARGE = N.NEAP_STORE_OK, N.NEAP_STORE_NOT_FOUND, N.NEAP_STORE_TOO_LARGE
local is_request = request.is

local STORE, STORE_BYTES = "limits", 16 * 2 ^ 20 -- where limits are kept that name no store
local MOST = 1e9
local WARN_SECONDS = 60

local limit = { store = STORE }

-- What users get knows its limit by a number only, as stores do.
local Limit = ffi.typeof "struct { const int32_t limit; }"

local limits = {} -- by number: { name, row, store, refused, unchecked, warned }
local wants_store = false

local answer = C.neap_store_answers

local function expected(what, value, text)
  local is = value == nil and "it is missing" or show.value(value) .. " is wrong"
  error(("neap.limit: %s: %s (expected %s)"):format(what, is, text), 5)
end

local function number(given, key, default, least)
  local value = given[key]
  if value == nil then value = default end
  if type(value) ~= "number" or not (value >= least and value <= MOST) then
    expected(key, value, ("a number from %g to %g"):format(least, MOST))
  end
  return value
end

local KNOWN = { rate = true, per = true, burst = true, store = true, name = true }

local function check_keys(given)
  for key in pairs(given) do
    if not KNOWN[key] then
      error(("neap.limit: unknown key '%s'%s"):format(show.text(tostring(key)),
        naming.hint(key, sorted.keys(KNOWN))), 4)
    end
  end
end

-- Limits of one name and store are one limit: its entries, and its metrics, bear the name.
local function name_of(given, rate, per, burst)
  local name = given.name
  if name == nil then
    return (("%g_per_%g_burst_%g"):format(rate, per, burst):gsub("[^%w_]", "_"))
  end
  if type(name) ~= "string" or #name > 64 or not name:find "^[%a_][%w_]*$" then
    expected("name", name, "letters, digits and _, 64 at most")
  end
  return name
end

local function store_of(given)
  local name = given.store
  if name ~= nil then
    if type(name) ~= "string" then expected("store", name, "the name of a store") end
    if shared.lacks(name) then
      error(("neap.limit: store: no store '%s' (%s)"):format(name, shared.known()), 4)
    end
    return shared.by_name(name)
  end
  if shared.lacks(STORE) then
    error(("neap.limit: the config has no store '%s' (add shared = { %s = { bytes = 16 * 2^20 } }, "
      .. "or name one here: store = …)"):format(STORE, STORE), 4)
  end
  wants_store = true
  return shared.by_name(STORE)
end

local function read(given)
  check_keys(given)
  local rate, per = number(given, "rate", nil, 1e-6), number(given, "per", 1, 1e-3)
  local burst = number(given, "burst", math.max(1, rate), 1)
  local row, name = ffi.new "neap_limit", name_of(given, rate, per, burst)
  row.id[0], row.id[1] = C.neap_hash(name, #name, 1), C.neap_hash(name, #name, 2)
  row.interval_us = per / rate * 1e6
  row.tolerance_us = burst * row.interval_us
  return {
    name = name, row = row, burst = burst, store = store_of(given), warned = -MOST,
    refused = counters.counter("limit_" .. name .. "_refused_total",
      "What this limit has refused."),
    unchecked = counters.counter("limit_" .. name .. "_unchecked_total",
      "What passed because the store of this limit could not be used."),
  }
end

local function get(handle)
  if not istype(Limit, handle) then
    error("the methods of a limit are called with a colon", 3)
  end
  return limits[handle.limit]
end

-- A limit must not become an outage: it lets through what it cannot count.
local function unable(one, result)
  one.unchecked:add(1)
  local now = state.unix_now[0]
  if now - one.warned >= WARN_SECONDS then
    one.warned = now
    log.warn("the limit %s cannot be kept, requests pass: %s", one.name, shared.why(result))
  end
  return true
end

local function refused(one)
  one.refused:add(1)
  local r = state.request
  if r ~= nil then
    local why = "the limit " .. one.name .. " is reached"
    C.neap_request_set_reason(r, why, #why)
  end
end

local function failed(one, result)
  if result == NOT_FOUND then return true end -- a client without an address
  if result ~= TOO_LARGE then return unable(one, result) end
  refused(one)
  return false, math.huge
end

local function bad_key(method, key)
  error(("limit:%s: the key is a %s (expected a string, or the request: its client)")
    :format(method, type(key)), 3)
end

local methods = {}

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
    bad_key("take", key)
  end
  if result ~= OK then return failed(one, result) end
  local wait = answer().number
  if wait == 0 then return true end
  refused(one)
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
    bad_key("look", key)
  end
  local ahead = result == OK and answer().ahead_us or 0
  local left = (one.row.tolerance_us - ahead) / one.row.interval_us
  return math.max(0, math.floor(left + 1e-6)), ahead / 1e6
end

ffi.metatype(Limit, {
  __index = function(handle, key)
    local method = methods[key]
    if method then return method end
    if key == "name" then return limits[handle.limit].name end
    if key == "burst" then return limits[handle.limit].burst end
    view_kind.unknown("a limit", key, { name = true, burst = true }, methods)
  end,
  __newindex = function(_, key)
    error(("a limit's %s cannot be assigned"):format(tostring(key)), 2)
  end,
  __tostring = function(handle) return ("limit '%s'"):format(limits[handle.limit].name) end,
})

---@param given table  rate, per = 1 (seconds), burst = rate, store = "limits", name
function limit.new(given)
  if type(given) ~= "table" then error("neap.limit { rate =, per =, burst =, store = }", 2) end
  local n = #limits + 1
  limits[n] = read(given)
  return Limit(n)
end

-- Does it name the shipped policy, which keeps its limit there?
local function names_policy(config)
  for _, owners in ipairs { config.services, config.pools } do
    for _, owner in ipairs(owners) do
      if owner.policy == "rate_limit" then return true end
    end
  end
  return false
end

-- The store of limits that name none, if the config has such limits and does not say how large it
-- is.
---@param config table
---@param is_asked boolean?  it is wanted in any case
function limit.declare(config, is_asked)
  local at = 1
  for i, store in ipairs(config.shared) do
    if store.name == STORE then return end
    if store.name < STORE then at = i + 1 end
  end
  if is_asked or wants_store or names_policy(config) then
    table.insert(config.shared, at, { name = STORE, bytes = STORE_BYTES })
  end
end

return limit
