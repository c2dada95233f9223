-- A pool's list of backends as a hook or a registry gave it: how old it is, what is wrong with it,
-- and what of it the next agent is told (journal.lua).

local config_load = require "neap.config.load"

local listed = {}

-- Wall clock, for ages that outlive this agent.
---@return number
function listed.now(agent) return agent.board.wall_ms() / 1000 end

-- How old the list is, in words.
---@return string
function listed.age(agent, pool)
  if not pool.answered then return "" end
  return (" (as it said %.0f s ago)"):format(math.max(0, listed.now(agent) - pool.answered))
end

local function what_serves(agent, pool)
  if #pool.members == 0 then return "it has no backends yet" end
  return "its backends stay as they are" .. listed.age(agent, pool)
end

-- Once for each reason: the list that is there serves on.
function listed.complain(agent, pool, why)
  if pool.discover_failure ~= why then
    agent.host.log.error("discover of pool %s: %s; %s", pool.name, why, what_serves(agent, pool))
  end
  pool.discover_failure = why
end

function listed.works(agent, pool)
  if pool.discover_failure then
    agent.host.log.info("discover of pool %s works again", pool.name)
  end
  pool.discover_failure = nil
end

---@return table[]? list, table[]? errors
function listed.checked(agent, pool, list, key)
  return config_load.backends(list, key, pool, agent.config.services or {})
end

-- The next agent must know what was noted.
function listed.keep(agent, pool)
  local ok, why = agent:keep()
  if not ok then agent.host.log.error("discover of pool %s: %s", pool.name, why) end
end

---@return boolean  -- the list comes from elsewhere than the config
function listed.is_found(pool)
  return pool.hooks.discover ~= nil or listed.has_registry(pool)
end

---@return boolean
function listed.has_registry(pool)
  local kind = pool.discover and pool.discover.type
  return kind ~= nil and kind ~= "hook"
end

-- What was known of such a pool before this agent began: the list that was given; else, if the
-- config names no backends, those that the pool had.
---@param own table[]  the config's
---@return table[]? list, table? entry  of the journal
function listed.remembered(agent, pool, own)
  local entry = agent.kept[pool.name] or agent.earlier[pool.name]
  if not entry or not entry.list then return nil end
  if entry.origin ~= "discover" and #own > 0 then return nil end
  local list, errors = listed.checked(agent, pool, entry.list, "backends")
  if list then return list, entry end
  agent.host.log.warn("pool %s: its backends of before do not go with this config and are "
    .. "forgotten: %s", pool.name, config_load.in_words(errors))
end

return listed
