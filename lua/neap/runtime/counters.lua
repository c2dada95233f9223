-- Counters on the board, shared by all processes: those of pools, and those that are metrics.

local ffi = require "neap.ffi"
local log = require "neap.runtime.log"

local view_kind = require "neap.runtime.view"

local C, istype = ffi.C, ffi.istype
local needs_colon, unknown = view_kind.needs_colon, view_kind.unknown

local counters = {}

local TOO_MANY = ("there are too many counters (%d of all pools and policies; a name that is made "
  .. "of what clients send uses them up)"):format(ffi.numbers.NEAP_BOARD_COUNTERS_MAX)

local at = {} -- number of a counter or gauge → where it is

-- The object that users get knows its place by a number only, so that they cannot reach memory
-- through it.
local Counter = ffi.typeof "struct { const int32_t number; }"
local Gauge = ffi.typeof "struct { const int32_t gauge; }"
local count = 0
local only_grows = {} -- by number: those of metrics, as Prometheus has them

local function new_number(cell)
  count = count + 1
  at[count] = cell
  return count
end

local function amount(n)
  if n == nil then return 1 end
  if type(n) ~= "number" or n % 1 ~= 0 or n > 2 ^ 53 or n < -2 ^ 53 then
    error("a counter counts integers", 3)
  end
  return n
end

-- C gets only places of counters, whatever a method was called with.
local function place(handle)
  if not istype(Counter, handle) then
    error("the methods of a counter are called with a colon", 3)
  end
  return at[handle.number]
end

local methods = {}

-- The old value, from 0 on. (In parentheses: a tail call into C is not compiled.)
function methods.next(handle) return (C.neap_counter_add(place(handle), 1)) end
function methods.add(handle, n)
  local cell, by = place(handle), amount(n)
  if by < 0 and only_grows[handle.number] then
    error("add(n): a metric's counter only grows (expected 0 or more; what falls is a gauge)", 2)
  end
  return (C.neap_counter_add(cell, by))
end

function methods.get(handle) return (C.neap_counter_get(place(handle))) end

local function metatype(kind, what, of_kind)
  ffi.metatype(kind, {
    __index = function(_, key)
      local method = of_kind[key]
      if method == nil then unknown(what, key, {}, of_kind) end
      return method
    end,
    __newindex = function(_, key)
      error(("%s.%s cannot be assigned"):format(what, tostring(key)), 2)
    end,
  })
end

metatype(Counter, "counter", methods)

local function gauge_place(handle)
  if not istype(Gauge, handle) then error("the methods of a gauge are called with a colon", 3) end
  return at[handle.gauge]
end

local function a_number(n)
  if type(n) ~= "number" then error(("a gauge is a number, not a %s"):format(type(n)), 3) end
  return n
end

local of_gauge = {}

function of_gauge.set(handle, n) C.neap_counter_set(gauge_place(handle), a_number(n)) end

function of_gauge.add(handle, n)
  C.neap_counter_gauge_add(gauge_place(handle), n == nil and 1 or a_number(n))
end

function of_gauge.get(handle) return (C.neap_counter_gauge(gauge_place(handle))) end

metatype(Gauge, "gauge", of_gauge)

---@return any?  -- nil when the board has no room for another one
function counters.get(name)
  local value = C.neap_counter(name, #name)
  if value == nil then return nil end
  return Counter(new_number(value))
end

-- For a board without room: exact in this process only, which is better than no decision.
local function own_counter(name)
  log.warn("pool %s: there are too many counters, so its turns are each process's own", name)
  return Counter(new_number(ffi.new "uint64_t[1]"))
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
  local number = new_number(cell)
  only_grows[number] = kind == "counter"
  local object = (kind == "gauge" and Gauge or Counter)(number)
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
