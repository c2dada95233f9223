-- Stands in for src/script/abi_limit.c: limits over the stores of the test kit.

local ffi = require "neap.ffi"
local ip = require "neap.text.ip"

local NOT_FOUND, OK = ffi.numbers.NEAP_STORE_NOT_FOUND, ffi.numbers.NEAP_STORE_OK

local limit = {}

local function id_of(row) return ("%08x%08x"):format(row.id[0], row.id[1]) end

-- What counts as one client: IPv6 by /64.
function limit.client_of(address)
  if address == nil or address == "" then return nil end
  if not address:find(":", 1, true) then return address end
  return ip.prefix(address, 32, 64) or address
end

---@param C table  has the functions of stores
---@param ahead fun(store: integer, key: string): number  seconds
---@param records table  by a request's id
---@return table functions
function limit.new(C, ahead, records)
  local functions = {}

  local function client_key(row, r)
    local client = limit.client_of(records[tonumber(r.id)].client_ip)
    return client and "client " .. id_of(row) .. client
  end

  local function take(store, row, key, cost)
    return C.neap_store_take(store, key, #key, cost, row.interval_us, row.tolerance_us)
  end

  function functions.neap_limit_take(store, row, key, _, cost)
    return take(store, row, id_of(row) .. key, cost)
  end

  function functions.neap_limit_take_client(store, row, r, cost)
    local key = client_key(row, r)
    return key and take(store, row, key, cost) or NOT_FOUND
  end

  local function look(store, key)
    local answer = C.neap_store_answers()
    answer.number, answer.ahead_us = 0, ahead(store, key) * 1e6
    return OK
  end

  function functions.neap_limit_look(store, row, key) return look(store, id_of(row) .. key) end

  function functions.neap_limit_look_client(store, row, r)
    local key = client_key(row, r)
    return key and look(store, key) or NOT_FOUND
  end

  -- There are no other balancers here.
  function functions.neap_lease_balancers() return 0 end

  return functions
end

return limit
