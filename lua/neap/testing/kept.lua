-- Pools and backends that a policy's file keeps beyond its hook, in its local variables or in
-- tables there. In neap they go on as they were, or err, when the pool has changed: values should
-- be kept, not objects.

local ffi = require "neap.ffi"

local kept = {}

local DEPTH, NODES = 3, 1000

-- Tables with a metatable are modules, caches with weak keys, or somebody's own.
local function find(value, kind_of, left, depth)
  local kind = kind_of(value)
  if kind then return kind end
  if type(value) ~= "table" or depth == 0 or getmetatable(value) then return nil end
  for _, inner in next, value do
    left.n = left.n - 1
    if left.n <= 0 then return nil end
    kind = find(inner, kind_of, left, depth - 1)
    if kind then return kind end
  end
end

local function kinds(balancer)
  local pools, Backend = balancer.require "neap.runtime.pools",
    balancer.require("neap.runtime.backends").type
  return function(value)
    if ffi.istype(Backend, value) then return "backend" end
    return type(value) == "table" and pools.info(value) and "pool" or nil
  end
end

local function look(balancer, hook, kind_of)
  for i = 1, 60 do
    local name, value = debug.getupvalue(hook, i)
    if not name then return end
    local kind = find(value, kind_of, { n = NODES }, DEPTH)
    if kind and not balancer.kept_names[name] then
      balancer.kept_names[name] = true
      table.insert(balancer.errors, { hook = balancer:hook(), is_kept = true,
        text = ("a %s was kept in '%s' when the hook had ended: keep its name, not the object")
          :format(kind, name) })
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
