-- Counters on the board, shared by all processes: of pools, and as metrics.

local ffi = require "neap.ffi"
local log = require "neap.runtime.log"

local C, needs_colon = ffi.C, require("neap.runtime.view").needs_colon

local counters = {}

local TOO_MANY = "there are too many counters (1024 of all pools and policies; a name that is made "
  .. "of what clients send uses them up)"

local at = {} -- number of a counter → where it is

-- What users hold knows its place by a number only, so that they cannot reach memory through it.
local Handle = ffi.typeof "struct { const int32_t number; }"
local count = 0

local function amount(n)
  if n == nil then return 1 end
  if type(n) ~= "number" or n % 1 ~= 0 or n > 2 ^ 53 or n < -2 ^ 53 then
    error("a counter counts integers", 3)
  end
  return n
end

-- C is never given what is no counter's place, whatever a method was called with.
local function place(handle)
  local cell = type(handle) == "cdata" and at[handle.number]
  if not cell then error("the methods of a counter are called with a colon", 3) end
  return cell
end

ffi.metatype(Handle, {
  __index = {
    -- The old value, from 0 on. (In parentheses: a tail call into C is not compiled.)
    next = function(handle) return (C.neap_counter_add(place(handle), 1)) end,
    add = function(handle, n) return (C.neap_counter_add(place(handle), amount(n))) end,
    get = function(handle) return (C.neap_counter_get(place(handle))) end,
  },
})

---@return any?  -- nil when the board has no room for another one
function counters.get(name)
  local value = C.neap_counter(name, #name)
  if value == nil then return nil end
  count = count + 1
  at[count] = value
  return Handle(count)
end

-- When the board has no room: exact in this process only, which is better than no decision.
local function own_counter(name)
  log.warn("pool %s: there are too many counters, so its turns are each process's own", name)
  count = count + 1
  at[count] = ffi.new "uint64_t[1]"
  return Handle(count)
end

-- The turns of a pool's views, by name. They never fail: what policies do to counters must not take
-- the default policy's decisions away.
function counters.turns_of(pool)
  local known = {}
  return function(name)
    local turn = known[name]
    if turn then return turn end
    turn = counters.get(pool .. "\31" .. name) or own_counter(pool)
    known[name] = turn
    return turn
  end
end

-- The method `counter` of a pool's views.
function counters.of_pool(pool)
  local known = {}
  return function(view, name)
    if type(view) ~= "table" then needs_colon("pool", "counter") end
    local counter = known[name]
    if counter then return counter end
    if type(name) ~= "string" then error("counter(name): name must be a string", 2) end
    counter = counters.get(pool .. "\31" .. name)
    if not counter then error(TOO_MANY, 2) end
    known[name] = counter
    return counter
  end
end

local metrics = {} -- in the order they were registered
local metric_by_name = {}

local function new_gauge(cell)
  return {
    set = function(_, n) C.neap_counter_set(cell, n) end,
    add = function(_, n) C.neap_counter_gauge_add(cell, n or 1) end,
    get = function() return (C.neap_counter_gauge(cell)) end,
  }
end

local function check_metric(kind, name, help)
  if type(name) ~= "string" or not name:find "^[%a_:][%w_:]*$" then
    error(("metric.%s(name, help): '%s' is not a metric's name (letters, digits and _)")
      :format(kind, tostring(name)), 4)
  end
  if help ~= nil and type(help) ~= "string" then
    error(("metric.%s(name, help): help must be a string"):format(kind), 4)
  end
end

local function register(kind, name, help)
  check_metric(kind, name, help)
  local known = metric_by_name[name]
  if known then
    if known.kind ~= kind then error(("metric '%s' is a %s"):format(name, known.kind), 3) end
    return known.object
  end
  local cell = C.neap_counter("\31" .. kind .. "\31" .. name, #kind + #name + 2)
  if cell == nil then error(TOO_MANY, 3) end
  local object
  if kind == "gauge" then
    object = new_gauge(cell)
  else
    count = count + 1
    at[count] = cell
    object = Handle(count)
  end
  local metric = { kind = kind, name = name, help = help or "", object = object }
  metric_by_name[name] = metric
  table.insert(metrics, metric)
  return object
end

function counters.counter(name, help) return register("counter", name, help) end
function counters.gauge(name, help) return register("gauge", name, help) end

-- All metrics of policies: { kind, name, help, object } (object:get() is its value now).
function counters.metrics() return metrics end

return counters
