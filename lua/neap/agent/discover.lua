-- Runs the `discover` hooks: at start, then each interval. What a hook returns are the pool's
-- backends from then on; a bad list is an error logged, and the old ones stay.

local config_load = require "neap.config.load"
local members = require "neap.agent.members"

local discover = {}

local LIMIT = 10

local function complain(agent, pool, why)
  if pool.discover_failure ~= why then
    agent.host.log.error("discover of pool %s: %s; its backends stay as they are", pool.name, why)
  end
  pool.discover_failure = why
end

local function in_words(errors)
  local parts = {}
  for i, e in ipairs(errors) do
    parts[i] = (e.key ~= "" and e.key .. ": " or "") .. e.text
  end
  return table.concat(parts, "; ")
end

-- nil says: nothing new.
local function take(agent, pool, list, why)
  if list == nil or list == false then
    if why ~= nil then complain(agent, pool, tostring(why)) end
    return
  end
  local checked, errors = config_load.backends(list, "discover")
  if not checked then return complain(agent, pool, in_words(errors)) end
  local log = agent.host.log
  if pool.discover_failure then log.info("discover of pool %s works again", pool.name) end
  pool.discover_failure = nil
  if #checked == 0 and #pool.members > 0 then
    log.warn("discover of pool %s: the list is empty, no backends are left", pool.name)
  end
  members.set(agent, pool, checked, "discover")
end

local function ended(agent, pool, item, outcome, ...)
  if not item.has_run then agent.waiting = agent.waiting - 1 end
  item.has_run = true
  if outcome == "done" then
    agent.host.hook_ok(pool, "discover")
    take(agent, pool, ...)
  elseif outcome == "error" then
    agent.host.hook_error(pool, "discover", ...)
  else
    complain(agent, pool, ("it took longer than %d s"):format(LIMIT))
  end
  return pool.discover.interval
end

-- For a pool whose policy has the hook.
function discover.start(agent, pool)
  local item = { limit = LIMIT }
  function item.run()
    if agent.host.is_tripped(pool, "discover") then return nil end
    agent.host.enter(pool, "discover")
    return pool.hooks.discover(agent.host.pool(pool))
  end
  function item.ended(_, ...) return ended(agent, pool, item, ...) end
  agent.waiting = agent.waiting + 1
  agent.jobs:set(item, "discover", 0)
end

return discover
