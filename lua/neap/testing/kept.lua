-- Pools and backends that a policy's file keeps beyond its hook, in its local variables or in
-- tables there. In neap they stay as they were, or err, after the pool has changed: keep values,
-- not objects.

local ffi = require "neap.ffi"
local keeps = require "neap.runtime.keeps"

local kept = {}

local function kinds(balancer)
  local pools, Backend = balancer.require "neap.runtime.pools",
    balancer.require("neap.runtime.backends").type
  return function(value)
    if ffi.istype(Backend, value) then return "backend" end
    return type(value) == "table" and pools.info(value) and "pool" or nil
  end
end

local function look(balancer, hook, kind_of)
  for name, text in pairs(keeps.found(hook, kind_of)) do
    if not balancer.kept_names[name] then
      balancer.kept_names[name] = true
      table.insert(balancer.errors, { hook = balancer:hook(), is_kept = true, text = text })
    end
  end
end

-- The hook, and a look at what it keeps after its first, second, fourth, eighth … call.
---@param balancer table
---@param hook function
---@return function
function kept.watched(balancer, hook)
  local calls, due, kind_of = 0, 1, nil
  local function after(...)
    calls = calls + 1
    if calls == due then
      due = due * 2
      kind_of = kind_of or kinds(balancer)
      look(balancer, hook, kind_of)
    end
    return ...
  end
  balancer.kept_names = balancer.kept_names or {}
  return function(...) return after(hook(...)) end
end

return kept
