-- Where a pool's backends come from: the config, its registry (registry.lua), or the `discover`
-- hook, which runs at start, then every interval. The list that a hook returns is the pool's
-- backends from then on. Nothing else takes a backend out: while a hook errs, waits or is left out,
-- the old ones stay, also those that an agent before this one knew (journal.lua).

local config_load = require "neap.config.load"
local journal = require "neap.agent.journal"
local listed = require "neap.agent.listed"
local members = require "neap.agent.members"
local registry = require "neap.agent.registry"

local discover = {}

local LIMIT = 10
local KEEP_EVERY = 1 -- seconds between two notes of an unchanged list, for its age

-- The list is the pool's from now on; the next agent must know it.
local function set(agent, pool, list)
  local before, kept_at = pool.listed.text, pool.kept_at
  pool.answered = listed.now(agent)
  journal.note(pool, list, "discover", pool.answered)
  if pool.listed.text ~= before or not kept_at or pool.answered - kept_at >= KEEP_EVERY then
    listed.keep(agent, pool)
    pool.kept_at = pool.answered
  end
  members.set(agent, pool, list, "discover")
end

-- nil says: nothing new.
local function take(agent, pool, value, why)
  if value == nil or value == false then
    if why ~= nil then listed.complain(agent, pool, tostring(why)) end
    return
  end
  local list, errors = listed.checked(agent, pool, value, "discover")
  if not list then return listed.complain(agent, pool, config_load.in_words(errors)) end
  listed.works(agent, pool)
  if #list == 0 and #pool.members > 0 then
    agent.host.log.warn("discover of pool %s: the list is empty, no backends are left", pool.name)
  end
  set(agent, pool, list)
end

local function ended(agent, pool, item, outcome, ...)
  if not item.has_ended then agent.waiting = agent.waiting - 1 end
  item.has_ended = true
  if item.is_left_out then
    if not pool.discover_failure then
      listed.complain(agent, pool, "it is left out after many errors")
    end
  elseif outcome == "done" then
    agent.host.hook_ok(pool, "discover")
    take(agent, pool, ...)
  elseif outcome == "error" then
    agent.host.hook_error(pool, "discover", ...)
    listed.complain(agent, pool, "it erred")
  elseif outcome == "timeout" then
    listed.complain(agent, pool, ("it took longer than %d s"):format(LIMIT))
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

-- The pool's first backends: the config's own, or those known from before until there is an answer.
---@param agent table
---@param pool table
---@param own table[]  backends as the config has them, checked
function discover.begin(agent, pool, own)
  local list, entry
  if listed.is_found(pool) then list, entry = listed.remembered(agent, pool, own) end
  entry = entry or { origin = "file" }
  pool.answered, pool.marks = entry.answered, journal.marks(entry)
  journal.note(pool, list or own, entry.origin, entry.answered)
  members.set(agent, pool, list or own, entry.origin)
  if list and #list > 0 then
    agent.host.log.info("pool %s keeps what it had until discover answers: %d %s%s", pool.name,
      #list, #list == 1 and "backend" or "backends", listed.age(agent, pool))
  end
  if listed.has_registry(pool) then
    registry.begin(agent, pool, entry)
  elseif pool.hooks.discover then
    start(agent, pool)
  end
end

return discover
