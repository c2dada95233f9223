-- Limits, deadlines and retries that hooks set for one request: request:limits, request:timeouts
-- and request:retry. Their values are checked as the config's are, by the same rows.

local ffi = require "neap.ffi"
local bit = require "bit"
local check = require "neap.config.check"
local nearest = require "neap.config.nearest"
local schema = require "neap.config.schema"
local show = require "neap.config.show"
local wait = require "neap.runtime.wait"

local C, N = ffi.C, ffi.numbers

local route = {}

local function hold(set, key, value)
  set.set = bit.bor(set.set, bit.lshift(1, key))
  set.values[key] = value
end

local function number(key)
  return function(set, value) hold(set, key, value or 0) end
end

-- A time that is no whole millisecond ends with the next one.
local function seconds(key)
  return function(set, value) hold(set, key, value and math.ceil(value * 1000) or 0) end
end

local function hold_statuses(set, list)
  ffi.fill(set.status, ffi.sizeof(set.status))
  for _, status in ipairs(list) do
    local at = bit.rshift(status - 100, 3)
    set.status[at] = bit.bor(set.status[at], bit.lshift(1, bit.band(status - 100, 7)))
  end
  hold(set, N.NEAP_ROUTE_STATUS, 1)
end

local GROUPS = {
  limits = { rows = schema.limits, keys = { body_bytes = number(N.NEAP_ROUTE_BODY_BYTES) } },
  timeouts = { rows = schema.timeouts, keys = {
    connect = seconds(N.NEAP_ROUTE_CONNECT), response = seconds(N.NEAP_ROUTE_RESPONSE),
    attempt = seconds(N.NEAP_ROUTE_ATTEMPT), stream_idle = seconds(N.NEAP_ROUTE_STREAM_IDLE),
    request = seconds(N.NEAP_ROUTE_REQUEST),
  } },
  retry = { rows = schema.retry, keys = {
    attempts = function(set, value)
      hold(set, N.NEAP_ROUTE_ATTEMPTS, value == "all" and 0 or value)
    end,
    unsafe = function(set, value) hold(set, N.NEAP_ROUTE_UNSAFE, value and 1 or 0) end,
    status = hold_statuses,
  } },
}

for _, group in pairs(GROUPS) do
  group.row_of, group.names = {}, {}
  for _, row in ipairs(group.rows) do
    if group.keys[row[1]] then
      group.row_of[row[1]] = row
      table.insert(group.names, row[1])
    end
  end
end

local function unknown(group, key)
  local near = type(key) == "string" and nearest.find(key, group.names)
  return near and ("; did you mean '%s'?"):format(near)
    or (" (expected %s)"):format(table.concat(group.names, ", "))
end

-- What check.value reports is kept: it says nothing of whose line is wrong.
local report = {
  add = function(self, key, text) self.first = self.first or key .. ": " .. text end,
}

-- The values, checked, in a table of their own: an error leaves all as it was.
local function checked(what, group, given)
  local values = {}
  report.first = nil
  for key, value in pairs(given) do
    local row = group.row_of[key]
    if not row then
      error(("%s: unknown key %s%s"):format(what, show.value(key), unknown(group, key)), 4)
    end
    values[key] = check.value(row, value, key, report)
    if report.first then error(("%s: %s"):format(what, report.first), 4) end
  end
  return values
end

---@param r any  the request's struct
---@param name "limits"|"timeouts"|"retry"
---@param given table
function route.set(r, name, given)
  local what = "request:" .. name
  if type(given) ~= "table" then
    error(("%s: %s is not a table (expected { %s = … })"):format(what, show.value(given),
      GROUPS[name].names[1]), 3)
  end
  if r.is_tcp == 1 then error(what .. ": a tcp service has none for a single connection", 3) end
  local group = GROUPS[name]
  local values = checked(what, group, given)
  if C.neap_route_is_known(r) == 0 then return end
  wait.check(what, 4)
  local set = C.neap_route_of(r)
  if set == nil then error(what .. ": out of memory", 3) end
  for key, value in pairs(values) do group.keys[key](set, value) end
  C.neap_route_settle(r)
end

return route
