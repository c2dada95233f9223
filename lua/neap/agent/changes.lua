-- Watches the states on the board, whoever changes them: writes one log line per change, calls the
-- `changed` hook, and tells the checks.

local changes = {}

local HOOK_LIMIT = 5
local WAITING_MAX = 1000 -- changes that a pool's slow hook may leave waiting

local STATES = require("neap.words").states

local function level_of(new)
  if new == "down" or new == "ejected" then return "warn" end
  return "info"
end

-- Changes that need no line: a check's line said it; the worker's line did, when a policy marked
-- the backend down ("is dead."); or a new one is up, as expected.
local function is_said(is_told, old, new, condition)
  if is_told ~= nil then return is_told end
  return (old == "unknown" and new == "up") or (new == "down" and condition.is_marked)
end

local function log_change(agent, member, old, new, reason, is_quiet)
  local line = "backend %s of pool %s: %s → %s%s"
  local log = agent.host.log[is_quiet and "debug" or level_of(new)]
  local why = reason ~= "" and " (" .. reason .. ")" or ""
  log(line, member.url, member.pool.name, old, new, why)
end

-- One at a time in each pool, so that a hook that waits sees changes in their order.
local function run_hook(agent, pool)
  local item = pool.changed_item
  if item then return item end
  item = { limit = HOOK_LIMIT, queue = {} }
  function item.run()
    local change = table.remove(item.queue, 1)
    if agent.host.is_tripped(pool, "changed") then return end
    local member = change.member
    agent.host.enter(pool, "changed")
    pool.hooks.changed(agent.host.backend(member.slot), change.old, change.new, change.reason)
  end
  function item.ended(_, outcome, why)
    if outcome == "done" then agent.host.hook_ok(pool, "changed") end
    if outcome == "error" then agent.host.hook_error(pool, "changed", why) end
    if outcome == "timeout" then
      agent.host.hook_error(pool, "changed", ("it took longer than %d s"):format(HOOK_LIMIT))
    end
    return item.queue[1] and 0 or nil
  end
  pool.changed_item = item
  return item
end

local function call_hook(agent, member, old, new, reason)
  local pool = member.pool
  if not pool.hooks.changed then return end
  local item = run_hook(agent, pool)
  if #item.queue >= WAITING_MAX then
    agent.host.log.warn("pool %s: its changed hook is too slow: a change is left out", pool.name)
    return
  end
  table.insert(item.queue, { member = member, old = old, new = new, reason = reason })
  agent.jobs:set(item, pool.name .. " changed", 0)
end

-- Takes over what the board says of the member now, without a line in the log.
function changes.note(agent, member)
  member.stamp = agent.board.stamp(member.slot)
  local condition = agent.board.condition(member.slot)
  member.state = STATES[condition.state]
  return condition
end

-- What changed since the last look, if anything did.
---@param is_told boolean?  another line tells it, none does; nil: by who made the change
---@return string? change  the states: "up → down"
function changes.look(agent, member, is_told)
  if agent.board.stamp(member.slot) == member.stamp then return end
  local old = member.state
  local condition = changes.note(agent, member)
  if member.state == old then return end
  log_change(agent, member, old, member.state, condition.reason,
    is_said(is_told, old, member.state, condition))
  agent.events:add("state", level_of(member.state) == "warn" and "warn" or "info",
    condition.reason, { pool = member.pool.name, backend = member.name, from = old,
    to = member.state })
  agent.health:on_change(member)
  call_hook(agent, member, old, member.state, condition.reason)
  if old ~= "unknown" or member.state ~= "up" then return old .. " → " .. member.state end
end

-- Looks at all pools whose version moved.
function changes.scan(agent)
  for _, pool in ipairs(agent.pools) do
    local version = agent.board.version(pool.index)
    if version ~= pool.version then
      pool.version = version
      for _, member in ipairs(pool.members) do changes.look(agent, member) end
    end
  end
end

return changes
