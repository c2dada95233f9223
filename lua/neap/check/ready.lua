-- Makes checks out of settings. A check is a function(backend) that returns true, or false, a
-- reason, and "connect" if there was not even a connection.
--
-- The agent gives those made here the backend's known addresses besides, so that a check neither
-- waits for the name's lookup nor fails with it.

local dial = require "neap.check.dial"

local ready = {}

-- Checks were made that need ICMP.
ready.wants_ping = false

local made = setmetatable({}, { __mode = "k" })

-- Was it made here, so that it wants the addresses?
---@param check function
---@return boolean
function ready.is_one(check) return made[check] == true end

-- Objects that a policy's `check` was called with, which may hand them on.
local known = setmetatable({}, { __mode = "k" }) -- object → { definition, addresses }

---@param object any  a `backend` object of hooks
---@param def table   its definition
---@param addresses string[]
function ready.introduce(object, def, addresses) known[object] = { def, addresses } end

local function described(object)
  local entry = known[object]
  if entry and entry[2][1] then return entry[1], entry[2], object.slot end
  return dial.of_object(object)
end

---@param list table[]  checks as a pool's `health` has them; all must pass
---@return function
function ready.make(list)
  local runs = {}
  for i, settings in ipairs(list) do
    runs[i] = require("neap.check." .. settings.type)
    ready.wants_ping = ready.wants_ping or settings.type == "icmp"
  end
  local function check(backend, addresses, slot)
    if not addresses then backend, addresses, slot = described(backend) end
    for i, settings in ipairs(list) do
      local is_ok, why, stage = runs[i](settings, backend, addresses, slot)
      if not is_ok then return false, why, stage end
    end
    return true
  end
  made[check] = true
  return check
end

return ready
