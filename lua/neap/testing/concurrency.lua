-- Stands in for src/script/abi_concurrency.c: who is where at once, in the test kit.

local ffi = require "neap.ffi"
local limit = require "neap.testing.limit"

local N = ffi.numbers
local OK, NOT_FOUND, REACHED = N.NEAP_STORE_OK, N.NEAP_STORE_NOT_FOUND, N.NEAP_STORE_REACHED

local concurrency = {}

---@param answer table  neap_store_answer
---@param world table  records, by a request's id; gets end_holds(record): the request is over
---@return table functions
function concurrency.new(answer, world)
  local functions, inside, records = {}, {}, world.records

  local function place(store, row, r, key)
    local client = key == nil and limit.client_of(records[tonumber(r.id)].client_ip)
    if key == nil and not client then return nil end
    return ("%d %08x%08x %s"):format(store, row.id[0], row.id[1],
      key and "k" .. key or "c" .. client)
  end

  local function holds_of(r)
    local record = records[tonumber(r.id)]
    record.holds = record.holds or {}
    return record.holds
  end

  local function leave(holds, at)
    holds[at] = nil
    inside[at] = inside[at] > 1 and inside[at] - 1 or nil
  end

  function functions.neap_concurrency_enter(store, row, r, key)
    local at = place(store, row, r, key)
    if not at then return NOT_FOUND end
    local holds = holds_of(r)
    if holds[at] then return OK end
    local n = inside[at] or 0
    if n >= row.limit then return REACHED end
    inside[at], holds[at] = n + 1, true
    return OK
  end

  function functions.neap_concurrency_leave(store, row, r, key)
    local at = place(store, row, r, key)
    local holds = holds_of(r)
    if not at or not holds[at] then return NOT_FOUND end
    leave(holds, at)
    return OK
  end

  function functions.neap_concurrency_inside(store, row, r, key)
    local at = place(store, row, r, key)
    answer.number = at and inside[at] or 0
    return OK
  end

  function world.end_holds(record)
    local holds = record.holds
    if not holds then return end
    for at in pairs(holds) do leave(holds, at) end
  end

  return functions
end

return concurrency
