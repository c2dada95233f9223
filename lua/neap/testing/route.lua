-- Limits, deadlines and retries of one request in the test kit.

local bit = require "bit"
local ffi = require "neap.ffi"

local route = {}

local N = ffi.numbers

---@param records table<integer, table>  by id of a request
---@return table C
function route.new(records)
  local C = {}
  function C.neap_route_is_known() return 1 end
  function C.neap_route_settle() end
  function C.neap_route_of(r)
    local record = records[tonumber(r.id)]
    record.route = record.route or ffi.new "neap_route"
    return record.route
  end
  return C
end

-- What its hooks set: a number; nil: nothing.
---@param record table  of the request
---@param key integer  N.NEAP_ROUTE_…
---@return number?
function route.get(record, key)
  local set = record.route
  if not set or bit.band(set.set, bit.lshift(1, key)) == 0 then return nil end
  return tonumber(set.values[key])
end

local function statuses(set)
  local list = {}
  for status = 100, 599 do
    local byte = set.status[bit.rshift(status - 100, 3)]
    if bit.band(byte, bit.lshift(1, bit.band(status - 100, 7))) ~= 0 then
      table.insert(list, status)
    end
  end
  return list
end

local function seconds(record, key)
  local ms = route.get(record, key)
  if ms == nil then return nil end
  return ms > 0 and ms / 1000
end

-- An own table over `base`, with what is not nil of these.
local function over(base, own)
  return next(own) and setmetatable(own, { __index = base }) or base
end

-- The pool's settings as they hold for the request.
---@param pool table  of the config
---@param record table
---@return table pool
function route.pool(pool, record)
  if not record.route then return pool end
  local attempts, unsafe = route.get(record, N.NEAP_ROUTE_ATTEMPTS),
    route.get(record, N.NEAP_ROUTE_UNSAFE)
  local retry = { attempts = attempts and (attempts == 0 and "all" or attempts) }
  if unsafe then retry.unsafe = unsafe == 1 end
  if route.get(record, N.NEAP_ROUTE_STATUS) then retry.status = statuses(record.route) end
  local timeouts = { connect = seconds(record, N.NEAP_ROUTE_CONNECT),
    response = seconds(record, N.NEAP_ROUTE_RESPONSE) }
  return over(pool, { retry = over(pool.retry, retry), timeouts = over(pool.timeouts, timeouts) })
end

-- Is its body longer than what holds for it?
---@param limits table?  of the service
---@param record table
---@return boolean
function route.is_too_large(limits, record)
  local most = route.get(record, N.NEAP_ROUTE_BODY_BYTES) or limits and limits.body_bytes
  return most and most ~= 0 and #(record.body or "") > most or false
end

return route
