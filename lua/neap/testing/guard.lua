-- Stands between a policy's hooks and the runtime in the test kit: it notices objects that a policy
-- keeps beyond their hook, which neap's one `request` object for all would hide. (Specs may look at
-- what hooks get: for pools and backends only a policy's file is watched.)

local facade = require "neap.testing.facade"
local kept = require "neap.testing.kept"

local guard = {}

-- These get the request as their first argument.
local OF_REQUEST = { "request", "backends", "pick", "failed", "response", "log", "error" }

-- The kind of request objects that know which request they are about.
---@return fun(id: integer): any
function guard.request_kind(balancer)
  -- The kind outlives the balancer.
  local world, held = balancer.world, setmetatable({ balancer = balancer }, { __mode = "v" })
  local function subject(object)
    local id = object.record_number
    local record = world.records[id]
    if record then return record.struct end
    local text = "a request was used after it had ended: keep values of it, not the object"
    if held.balancer then
      table.insert(held.balancer.errors,
        { hook = held.balancer:hook(), text = text, is_kept = true })
    end
    error(text, 3)
  end
  local _, kind = balancer.require("neap.runtime.request")
    .new(subject, "struct { const int32_t record_number; }")
  return kind
end

local function with_own_request(balancer, hook)
  local current = balancer.world.current
  return function(_, ...)
    balancer.request_kind = balancer.request_kind or guard.request_kind(balancer)
    return hook(balancer.request_kind(tonumber(current.request.id)), ...)
  end
end

local function with_own_reply(balancer, hook)
  return function(...) return facade.own_reply(balancer.neap, (hook(...))) end
end

-- These come before requests.
local BEFORE = { "certificate", "connection", "key" }

local function guard_before(balancer, guarded)
  for _, name in ipairs(BEFORE) do
    if guarded[name] and balancer.is_file then
      guarded[name] = kept.watched(balancer, guarded[name])
    elseif guarded[name] then
      balancer.fused:add(guarded[name])
    end
  end
  local hook = guarded.certificate
  if hook then
    guarded.certificate = function(...)
      return facade.own_certificate(balancer.neap, (hook(...)))
    end
  end
end

---@param hooks table
---@param is_light boolean?  only what is needed
---@return table
function guard.hooks(balancer, hooks, is_light)
  local guarded = {}
  for name, hook in pairs(hooks) do guarded[name] = hook end
  for _, name in ipairs(OF_REQUEST) do
    if guarded[name] and not is_light then
      if not balancer.is_file then balancer.fused:add(guarded[name]) end
      if balancer.is_file then guarded[name] = kept.watched(balancer, guarded[name]) end
      guarded[name] = with_own_request(balancer, guarded[name])
    end
  end
  if not is_light then guard_before(balancer, guarded) end
  if balancer.passes and guarded.request then
    local hook = guarded.request
    guarded.request = function(...) hook(...) end
  end
  for _, name in ipairs { "request", "error" } do
    if guarded[name] then guarded[name] = with_own_reply(balancer, guarded[name]) end
  end
  return guarded
end

return guard
