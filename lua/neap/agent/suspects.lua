-- Suspects: backends that took a connection and then failed the request on it. Workers count such
-- failures (src/shm/board_suspect.h); only this file decides what follows. A suspect is checked at
-- once, and is down if that check fails. It is also down after several failures in a row, even if
-- checks find it healthy. But failures after connecting never take out the last backend that
-- serves: one request that every backend fails at must not end the service for everybody.

local changes = require "neap.agent.changes"
local health_config = require "neap.config.health"
local probes = require "neap.agent.probes"

local suspects = {}

local SAID_EVERY = 60 -- seconds between two lines about the same backend that stays
local LIVE = { up = true, unknown = true }

local function serves(member) return LIVE[member.state] and member.def.weight > 0 end

local function another_serves(pool, member)
  for _, other in ipairs(pool.members) do
    if other ~= member and serves(other) then return true end
  end
  return false
end

local function say_it_stays(agent, member, why)
  local now = agent.host.now()
  if member.said_stays and now - member.said_stays < SAID_EVERY then return end
  member.said_stays = now
  agent.host.log.warn("backend %s of pool %s stays in service, though it fails (%s): no other one "
    .. "serves", member.url, member.pool.name, why)
end

---@return boolean  it is out
local function take_out(agent, member, failures, reason)
  local why = ("%d failures in a row: %s"):format(failures, reason)
  if not another_serves(member.pool, member) then
    say_it_stays(agent, member, why)
    return false
  end
  agent.board.mark_down(member.slot, why)
  changes.look(agent, member, false)
  member.is_suspended = member.state == "down" -- on_change has cleared it
  return member.is_suspended
end

local function consider(agent, member)
  local failures, suspected, reason = agent.board.suspicion(member.slot)
  local is_news = suspected ~= (member.suspected or 0)
  member.suspected = suspected
  if not is_news or failures == 0 or not LIVE[member.state] then return end
  local is_enough = failures >= health_config.failures(member.pool.health)
  if is_enough and take_out(agent, member, failures, reason) then return end
  agent.health:ask(member)
end

-- No backend serves any more: those taken out for failures after connecting, and not found dead
-- since, are better than none.
local function bring_back(agent, pool)
  for _, member in ipairs(pool.members) do
    if serves(member) then return end
  end
  for _, member in ipairs(pool.members) do
    if member.is_suspended and member.state == "down" and probes.last(member) ~= "down" then
      agent.board.set_state(member.slot, probes.last(member), "no other one serves")
      changes.look(agent, member)
    end
  end
end

local function look(agent, pool)
  local news = agent.board.suspected(pool.index)
  if news ~= (pool.suspected or 0) then
    pool.suspected = news
    for _, member in ipairs(pool.members) do consider(agent, member) end
  end
  if pool.suspects_seen ~= pool.version then
    pool.suspects_seen = pool.version
    bring_back(agent, pool)
  end
end

-- To be called with every tick, after all changes of states were taken in.
function suspects.look(agent)
  for _, pool in ipairs(agent.pools) do look(agent, pool) end
end

return suspects
