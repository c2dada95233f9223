-- Outliers: a backend that fails more than the others of its pool is taken out of service for a
-- while, and for longer each time. Workers count (src/shm/board_outlier.c); only this file decides
-- which are out, so that all workers agree and no more than `max_share` are out.

local changes = require "neap.agent.changes"
local probes = require "neap.agent.probes"

local eject = {}

local WRAP = 2 ^ 32

-- Not one that drains, is out already, was found dead by a check, or has its state from a person.
local function is_candidate(agent, member)
  if agent.board.is_pinned(member.slot) then return false end
  if member.state == "down" then
    return agent.board.condition(member.slot).is_marked and probes.last(member) ~= "down"
  end
  return member.state == "up" or member.state == "unknown"
end

-- How many are out by ejection, and how many others than this one serve.
local function count(pool, member)
  local out, serving = 0, 0
  for _, other in ipairs(pool.members) do
    if other.state == "ejected" then out = out + 1 end
    local is_live = other.state == "up" or other.state == "unknown"
    if other ~= member and is_live then serving = serving + 1 end
  end
  return out, serving
end

local function why_spared(pool, member)
  local out, serving = count(pool, member)
  if serving == 0 then return "no other one is up" end
  local most = math.floor(pool.eject.max_share * #pool.members + 1e-9)
  if out + 1 > most then return ("%d of %d may be ejected"):format(most, #pool.members) end
end

-- How often it was ejected lately, this time included: one is forgotten for each `time` since the
-- last one ended.
local function times_lately(agent, member, ejections)
  local settings = member.pool.eject
  local well_ms = agent.board.wall_ms() - agent.board.condition(member.slot).ejected_until
  local forgotten = math.floor(math.max(0, well_ms) / 1000 / settings.time)
  local most = math.ceil(settings.max_time / settings.time)
  return math.max(1, math.min(math.max(0, ejections - forgotten) + 1, most))
end

local function take_out(agent, member, ejections, reason)
  local settings = member.pool.eject
  local times = times_lately(agent, member, ejections)
  local seconds = math.max(settings.time, math.min(settings.time * times, settings.max_time))
  member.is_spared = false
  agent.board.eject(member.slot, agent.board.wall_ms() + seconds * 1000, times,
    ("%s; for %g s"):format(reason, seconds))
  changes.look(agent, member)
end

local function consider(agent, member, ejections, reason)
  if not is_candidate(agent, member) then return end
  local why = why_spared(member.pool, member)
  if not why then return take_out(agent, member, ejections, reason) end
  if not member.is_spared then
    agent.host.log.warn("backend %s of pool %s is not ejected, though it fails (%s): %s",
      member.url, member.pool.name, reason, why)
  end
  member.is_spared = true
end

local function look_at_streaks(agent, pool)
  local longest = pool.eject.consecutive
  for _, member in ipairs(pool.members) do
    local streak, ejections = agent.board.outlier(member.slot)
    if longest and streak >= longest then
      consider(agent, member, ejections, ("%d failures in a row"):format(streak))
    else
      member.is_spared = false
    end
  end
end

-- What a member did since the last look; nil when that is not known.
local function sample(agent, member)
  local _, ejections, requests, failures = agent.board.outlier(member.slot)
  local before = member.counts
  member.counts = { slot = member.slot, requests = requests, failures = failures }
  if not before or before.slot ~= member.slot then return nil end
  requests = (requests - before.requests) % WRAP
  failures = math.min((failures - before.failures) % WRAP, requests) -- of requests begun before
  return { member = member, ejections = ejections, requests = requests, failures = failures }
end

-- How much worse it did than all the others together; nil when there were too few requests.
local function excess_of(one, all, fewest)
  local others = all.requests - one.requests
  if one.requests < fewest or others < fewest then return nil end
  one.rate, one.others = one.failures / one.requests, (all.failures - one.failures) / others
  return one.rate - one.others
end

local function look_at_rates(agent, pool)
  local samples, all, outliers = {}, { requests = 0, failures = 0 }, {}
  for _, member in ipairs(pool.members) do
    local one = sample(agent, member)
    if one then
      table.insert(samples, one)
      all.requests, all.failures = all.requests + one.requests, all.failures + one.failures
    end
  end
  for _, one in ipairs(samples) do
    one.excess = excess_of(one, all, pool.eject.min_requests)
    if one.excess and one.excess > pool.eject.error_rate then table.insert(outliers, one) end
  end
  table.sort(outliers, function(a, b) return a.excess > b.excess end)
  for _, one in ipairs(outliers) do
    consider(agent, one.member, one.ejections,
      ("%.3g %% of %d requests failed, of the others' %.3g %%"):format(one.rate * 100,
        one.requests, one.others * 100))
  end
end

local function look(agent, pool, now)
  local news = agent.board.outliers(pool.index)
  local is_due = now >= (pool.eject_due or now)
  if news == pool.outliers and not is_due then return end
  pool.outliers = news
  look_at_streaks(agent, pool)
  if not is_due then return end
  pool.eject_due = now + pool.eject.interval
  if pool.eject.error_rate then look_at_rates(agent, pool) end
end

-- To be called with every tick, after all changes of states were taken in.
function eject.look(agent, now)
  for _, pool in ipairs(agent.pools) do
    if pool.eject then look(agent, pool, now) end
  end
end

return eject
