-- The checks of all backends: when, with what, and what their results mean.

local changes = require "neap.agent.changes"
local pace = require "neap.agent.pace"

local health = {}
local Health = {}
Health.__index = Health

local LOUD_POOL = 16    -- up to so many backends each regular check is logged at level info
local REVIVE_AFTER = 10 -- seconds after which what a request marked down is tried again unchecked

function health.new(agent) return setmetatable({ agent = agent }, Health) end

local function has_check(pool)
  return pool.hooks.check ~= nil or pool.health.type ~= "none"
end

local function settings(member) return member.pool.health end

local function set_due(self, member, delay)
  local due = self.agent.host.now() + delay
  if member.at and member.due <= due then return end
  self.agent.jobs:set(member, member.pool.name, delay)
end

-- The checks of a member that is new here; its state may be older than this agent.
---@param is_known boolean  its addresses are known, or cannot be found out
function Health:add(member, is_known)
  local condition = changes.note(self.agent, member)
  member.limit = settings(member).timeout
  member.run = function() return self:run(member) end
  member.ended = function(_, ...) return self:ended(member, ...) end
  if member.state == "down" then
    member.down = { looks = 0, by_request = condition.is_marked }
    member.failures = settings(member).fall
  end
  if member.state == "ejected" then self.agent.ejected[member] = true end
  if is_known then self:check_first(member) end
end

function Health:remove(member)
  self.agent.ejected[member] = nil
  self.agent.jobs:remove(member)
end

-- Its addresses are known now: the first round.
function Health:check_first(member)
  if member.is_scheduled then return end
  member.is_scheduled = true
  if has_check(member.pool) then
    set_due(self, member, 0)
  elseif member.down then
    set_due(self, member, REVIVE_AFTER)
  end
end

-- It is another server now behind the same name.
function Health:check_soon(member)
  member.successes, member.failures, member.last_ok = 0, 0, nil
  if has_check(member.pool) then set_due(self, member, 0) end
end

-- Calls the policy's check, or the one of the settings.
function Health:run(member)
  local pool, host = member.pool, self.agent.host
  local hook = pool.hooks.check
  if not hook and pool.health.type == "none" then return "unchecked" end
  member.is_hook = hook ~= nil and not host.is_tripped(pool, "check")
  if member.is_hook then host.enter(pool, "check") end
  local check = member.is_hook and hook or pool.default_check
  local addresses = host.wants_addresses(check) and member.addresses
  if not addresses then return check(host.backend(member.slot)) end
  if #addresses == 0 then return false, "its name does not resolve", "connect" end
  return check(member.def, addresses)
end

local function log_result(agent, member, is_ok, reason, stage)
  local is_news = member.last_ok ~= is_ok
  local is_regular = is_ok or member.down == nil
  local is_loud = is_news or (is_regular and #member.pool.members <= LOUD_POOL)
  member.last_ok = is_ok
  local log = agent.host.log
  if is_ok then
    local say = is_loud and log.info or log.debug
    say("%s checked ok by healthcheck", member.url)
    return
  end
  local say = is_loud and log.warn or log.debug
  local what = stage == "connect" and "Unreachable to" or "Unhealthy"
  say("%s %s, error:%s", what, member.target, reason)
  say("%s checked dead by healthcheck", member.url)
end

-- A check that began before something else marked it down saw what was true before that.
local function is_outdated(member, is_ok)
  return is_ok and member.marked_at ~= nil and member.started <= member.marked_at
end

local function apply(self, member, is_ok, reason, stage)
  local agent, before = self.agent, member.down
  changes.look(agent, member) -- a result is about what was true before it
  if is_outdated(member, is_ok) then return end
  log_result(agent, member, is_ok, reason, stage)
  local verdict = pace.verdict(member, is_ok, settings(member), member.state == "unknown")
  if verdict ~= nil then
    self.applied = member
    agent.board.checked(member.slot, verdict, is_ok and "checked ok" or reason)
    changes.look(agent, member)
    self.applied = nil
  end
  if before and member.down == before then before.looks = before.looks + 1 end
end

-- A request marked it down and nobody checks it: traffic has to try it again.
local function revive(self, member)
  if member.state ~= "down" then return nil end
  local why = ("tried again after %d s"):format(REVIVE_AFTER)
  self.agent.board.set_state(member.slot, "unknown", why)
  changes.look(self.agent, member)
  return nil
end

-- The agent itself was held up meanwhile: that a check timed out says nothing of the backend.
local function is_void(self, member, is_ok)
  if is_ok then return false end
  local late = self.agent:late_since(member.started)
  if late <= member.limit / 2 then return false end
  self.agent.host.log.warn("check of %s is discarded: neap's agent itself was %.1f s late",
    member.url, late)
  return true
end

-- → is_ok (nil: no verdict), reason, stage
local function judge(self, member, outcome, is_ok, reason, stage)
  if outcome == "timeout" then
    return false, ("timed out after %g s"):format(member.limit), member.is_hook and "" or "connect"
  end
  local why = outcome == "error" and is_ok
  if not why and type(is_ok) ~= "boolean" then
    why = ("check returned %s (expected true, or false and a reason)"):format(type(is_ok))
  end
  if why then
    self.agent.host.hook_error(member.pool, "check", why)
    return nil
  end
  if member.is_hook then self.agent.host.hook_ok(member.pool, "check") end
  return is_ok, reason ~= nil and tostring(reason) or "no reason given", stage
end

function Health:ended(member, outcome, ...)
  local pool = member.pool
  if outcome == "done" and (...) == "unchecked" then return revive(self, member) end
  local is_ok, reason, stage = judge(self, member, outcome, ...)
  if is_ok ~= nil then
    if is_void(self, member, is_ok) then
      return math.min(pool.health.recheck, pool.health.interval)
    end
    apply(self, member, is_ok, reason, stage)
  end
  return pace.delay(pool.health, member.down, self.agent.host.random())
end

-- Its state is another one now, by a check, a request, a script or a person.
function Health:on_change(member, condition)
  local by_check = self.applied == member
  self.agent.ejected[member] = member.state == "ejected" or nil
  member.marked_at = nil
  if member.state ~= "down" then
    member.down = nil
    if not by_check then member.failures = 0 end
    return
  end
  member.down = { looks = 0, by_request = not by_check or condition.is_marked }
  if by_check then return end
  member.marked_at = self.agent.host.now()
  member.successes, member.failures = 0, settings(member).fall
  if has_check(member.pool) then
    set_due(self, member, pace.delay(settings(member), member.down, self.agent.host.random()))
  else
    set_due(self, member, REVIVE_AFTER)
  end
end

-- Brings back what was ejected until now: as its last check found it.
function Health:end_ejections()
  local agent = self.agent
  for member in pairs(agent.ejected) do
    local until_ms = agent.board.condition(member.slot).ejected_until
    if until_ms <= agent.board.wall_ms() then
      local to = member.last_ok == nil and "unknown" or member.last_ok and "up" or "down"
      agent.board.set_state(member.slot, to, "its ejection is over")
      changes.look(agent, member)
    end
  end
end

return health
