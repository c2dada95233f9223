-- Finds the policy that keeps most of Lua's memory, when that is full: counts what the hooks of
-- each service keep in their variables, for no longer than a moment.

local hoard = {}

local VALUES, OWN = 1000000, "@lua/neap/"
local TABLE, SLOT, STRING, FUNCTION = 40, 16, 24, 40 -- bytes, about

local function push(stack, seen, value)
  local kind = type(value)
  if kind == "string" then return STRING + #value end
  if (kind ~= "table" and kind ~= "function") or seen[value] then return 0 end
  seen[value] = true
  stack[#stack + 1] = value
  return kind == "table" and TABLE or FUNCTION
end

local function look_at_function(stack, seen, fn)
  local bytes = 0
  if debug.getinfo(fn, "S").source:sub(1, #OWN) == OWN then return 0, 1 end
  for i = 1, 60 do
    local name, value = debug.getupvalue(fn, i)
    if not name then return bytes, i end
    bytes = bytes + push(stack, seen, value)
  end
  return bytes, 60
end

local function look_at_table(stack, seen, values)
  local bytes, count = 0, 1
  for key, value in next, values do
    bytes = bytes + SLOT + push(stack, seen, key) + push(stack, seen, value)
    count = count + 1
    if count > VALUES then break end
  end
  return bytes, count
end

---@param hooks table  of one policy
---@return integer bytes  -- that it keeps, about; at most a million values are looked at
function hoard.bytes(hooks)
  local stack, seen, bytes, left = { hooks }, {}, 0, VALUES
  while #stack > 0 and left > 0 do
    local value = table.remove(stack)
    local look = type(value) == "table" and look_at_table or look_at_function
    local more, count = look(stack, seen, value)
    bytes, left = bytes + more, left - count
  end
  return bytes
end

---@param policies table<integer, table>  by number of a service, from 0
---@param count integer  of services
---@return integer service, integer bytes  -- -1: none keeps anything
function hoard.largest(policies, count)
  local service, most = -1, 0
  for i = 0, count - 1 do
    local bytes = policies[i] and hoard.bytes(policies[i]) or 0
    if bytes > most then service, most = i, bytes end
  end
  return service, most
end

return hoard
