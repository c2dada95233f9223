-- Runs the `discover` hooks: at start, then every interval. The list that a hook returns is the
-- pool's backends from then on. Nothing else takes a backend out: while a hook errs, waits or is
-- left out, the old ones stay, also those that an agent before this one knew (journal.lua).

local config_load = require "neap.config.load"
local journal = require "neap.agent.journal"
local members = require "neap.agent.members"

local discover = {}

local LIMIT = 10
local KEEP_EVERY = 1 -- seconds between two notes of an unchanged list, for its age

local function wall_seconds(agent) return agent.board.wall_ms() / 1000 end

-- How old the list is, in words.
local function age_of(agent, pool)
  if not pool.answered then return "" end
  return (" (as it said %.0f s ago)"):format(math.max(0, wall_seconds(agent) - pool.answered))
end

local function complain(agent, pool, why)
  if pool.discover_failure ~= why then
    agent.host.log.error("discover of pool %s: %s; its backends stay as they are%s", pool.name, why,
      age_of(agent, pool))
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

local function checked(agent, pool, list, key)
  return config_load.backends(list, key, pool, agent.config.services or {})
end

-- The list is the pool's from now on; the next agent must know it.
local function set(agent, pool, list)
  local before, kept_at = pool.listed.text, pool.kept_at
  pool.answered = wall_seconds(agent)
  journal.note(pool, list, "discover", pool.answered)
  if pool.listed.text ~= before or not kept_at or pool.answered - kept_at >= KEEP_EVERY then
    local ok, why = agent:keep()
    if not ok then agent.host.log.error("discover of pool %s: %s", pool.name, why) end
    pool.kept_at = pool.answered
  end
  members.set(agent, pool, list, "discover")
end

-- nil says: nothing new.
local function take(agent, pool, value, why)
  if value == nil or value == false then
    if why ~= nil then complain(agent, pool, tostring(why)) end
    return
  end
  local list, errors = checked(agent, pool, value, "discover")
  if not list then return complain(agent, pool, in_words(errors)) end
  local log = agent.host.log
  if pool.discover_failure then log.info("discover of pool %s works again", pool.name) end
  pool.discover_failure = nil
  if #list == 0 and #pool.members > 0 then
    log.warn("discover of pool %s: the list is empty, no backends are left", pool.name)
  end
  set(agent, pool, list)
end

local function ended(agent, pool, item, outcome, ...)
  if not item.has_ended then agent.waiting = agent.waiting - 1 end
  item.has_ended = true
  if item.is_left_out then
    if not pool.discover_failure then complain(agent, pool, "it is left out after many errors") end
  elseif outcome == "done" then
    agent.host.hook_ok(pool, "discover")
    take(agent, pool, ...)
  elseif outcome == "error" then
    agent.host.hook_error(pool, "discover", ...)
    complain(agent, pool, "it erred")
  elseif outcome == "timeout" then
    complain(agent, pool, ("it took longer than %d s"):format(LIMIT))
  end
  return pool.discover.interval
end

local function start(agent, pool)
  local item = { limit = LIMIT }
  function item.run()
    item.is_left_out = agent.host.is_tripped(pool, "discover")
    if item.is_left_out then return nil end
    agent.host.enter(pool, "discover")
    return pool.hooks.discover(agent.host.pool(pool))
  end
  function item.ended(_, ...) return ended(agent, pool, item, ...) end
  agent.waiting = agent.waiting + 1
  agent.jobs:set(item, "discover", 0)
end

-- What was known of a pool with the hook before this agent began: the list that the hook gave;
-- else, if the config names no backends, those that the pool had.
local function remembered(agent, pool, own)
  local entry = agent.kept[pool.name] or agent.earlier[pool.name]
  if not entry or not entry.list then return nil end
  if entry.origin ~= "discover" and #own > 0 then return nil end
  local list, errors = checked(agent, pool, entry.list, "backends")
  if list then return list, entry end
  agent.host.log.warn("pool %s: its backends of before do not go with this config and are "
    .. "forgotten: %s", pool.name, in_words(errors))
end

-- The pool's first backends: the config's own, or those known from before until the hook answers.
---@param agent table
---@param pool table
---@param own table[]  backends as the config has them, checked
function discover.begin(agent, pool, own)
  local list, entry
  if pool.hooks.discover then list, entry = remembered(agent, pool, own) end
  entry = entry or { origin = "file" }
  pool.answered = entry.answered
  journal.note(pool, list or own, entry.origin, entry.answered)
  members.set(agent, pool, list or own, entry.origin)
  if list and #list > 0 then
    agent.host.log.info("pool %s keeps what it had until discover answers: %d %s%s", pool.name,
      #list, #list == 1 and "backend" or "backends", age_of(agent, pool))
  end
  if pool.hooks.discover then start(agent, pool) end
end

return discover
