-- The checks of all backends: when, with what, and what their results mean.

local changes = require "neap.agent.changes"
local check_log = require "neap.agent.check_log"
local health_config = require "neap.config.health"
local pace = require "neap.agent.pace"
local probes = require "neap.agent.probes"

local health = {}
local Health = {}
Health.__index = Health

local REVIVE_AFTER = 10 -- seconds until one that a request marked down is tried again unchecked
local FIRST_RATE = 500  -- how many first checks of a large pool begin per second
local FIRST_AT_ONCE = 64

function health.new(agent) return setmetatable({ agent = agent }, Health) end

local function has_check(pool)
  return pool.hooks.check ~= nil or pool.checks[1].settings.type ~= "none"
end

local function set_due(self, probe, delay)
  local due = self.agent.host.now() + delay
  if probe.at and probe.due <= due then return end
  self.agent.jobs:set(probe, probe.member.pool.name, delay)
end

-- All of them again: a backend that a request marked down must pass each.
local function set_all_due(self, member)
  for _, probe in ipairs(member.probes) do
    if has_check(member.pool) then
      set_due(self, probe, pace.delay(probe, self.agent.host.random()))
    else
      set_due(self, probe, REVIVE_AFTER)
    end
  end
end

-- What the config says of new backends.
local function begin_state(self, member)
  local initial = health_config.initial(member.pool.health)
  if member.state ~= "unknown" or initial == "unknown" then return end
  self.agent.board.set_state(member.slot, initial, "before its first check")
  changes.note(self.agent, member)
end

-- The checks of a member that is new here; its state may be older than this agent.
---@param is_known boolean  its addresses are known, or cannot be found out
function Health:add(member, is_known)
  local condition = changes.note(self.agent, member)
  probes.start(member, condition.is_marked)
  begin_state(self, member)
  for _, probe in ipairs(member.probes) do
    probe.run = function() return self:run(probe) end
    probe.ended = function(_, ...) return self:ended(probe, ...) end
  end
  if member.state == "ejected" then self.agent.ejected[member] = true end
  if is_known then self:check_first(member) end
end

function Health:remove(member)
  self.agent.ejected[member] = nil
  for _, probe in ipairs(member.probes) do self.agent.jobs:remove(probe) end
end

-- The first checks of a large pool do not begin all at once, but so many per second.
local function first_delay(self, pool, settings)
  local now = self.agent.host.now()
  pool.first_due = math.max(pool.first_due or 0, now) + 1 / FIRST_RATE
  local delay = pool.first_due - now - FIRST_AT_ONCE / FIRST_RATE
  return math.max(delay, 0) % (settings.interval / 2)
end

-- A request found it suspect: each check is done now, but not more often than `recheck` says.
function Health:ask(member)
  if not has_check(member.pool) then return end
  local now = self.agent.host.now()
  for _, probe in ipairs(member.probes) do
    if not probe.is_asked then
      local gap = math.min(probe.settings.recheck, probe.settings.interval)
      probe.is_asked, probe.asked_at = true, math.max(now, (probe.asked_at or -gap) + gap)
      set_due(self, probe, probe.asked_at - now)
    end
  end
end

-- Its addresses are known now: the first round.
function Health:check_first(member)
  if member.is_scheduled then return end
  member.is_scheduled = true
  for _, probe in ipairs(member.probes) do
    if has_check(member.pool) then
      set_due(self, probe, first_delay(self, member.pool, probe.settings))
    elseif member.state == "down" then
      set_due(self, probe, REVIVE_AFTER)
    end
  end
end

-- A request marked it down and nobody checks it: traffic has to try it again.
local function revive(self, member, why)
  if member.state ~= "down" then return end
  self.agent.board.set_state(member.slot, "unknown", why)
  changes.look(self.agent, member)
end

-- It is another server now behind the same name, or its name has an address at last.
function Health:check_soon(member)
  probes.forget(member)
  if not has_check(member.pool) then return revive(self, member, "it has another address") end
  for _, probe in ipairs(member.probes) do set_due(self, probe, 0) end
end

-- Calls the policy's check, or the one of the settings.
function Health:run(probe)
  local member, host = probe.member, self.agent.host
  local pool = member.pool
  local hook = pool.hooks.check
  probe.shortages = host.shortages()
  probe.decides, probe.is_asked = probe.is_asked, nil
  local rest = pool.duty and pool.duty:rest(probe)
  if rest then return "left", rest end
  if not hook and probe.settings.type == "none" then return "unchecked" end
  probe.is_hook = hook ~= nil and not host.is_tripped(pool, "check")
  if probe.is_hook then host.enter(pool, "check") end
  local check = probe.is_hook and hook or probe.check
  if not host.wants_addresses(check) then
    local object = host.backend(member.slot)
    host.introduce(object, member.def, member.addresses)
    return check(object)
  end
  if #member.addresses == 0 then return false, "its name does not resolve", "connect" end
  return check(member.def, member.addresses, member.slot)
end

-- A check that began before something else marked it down saw what was true before that.
local function is_outdated(probe, is_ok)
  local marked_at = probe.member.marked_at
  return is_ok and marked_at ~= nil and probe.started <= marked_at
end

-- One check that finds it dead is enough; it is up when all find it healthy. Returns the change of
-- state that follows, in words, if there is one.
local function decide(self, probe, verdict, reason, is_told)
  local member, board = probe.member, self.agent.board
  probe.verdict = verdict
  local by_request = probe.decides or false
  probe.down = not verdict and (probe.down or { looks = 0, by_request = by_request }) or nil
  self.applied = member
  if not verdict then
    board.checked(member.slot, false, reason)
  elseif probes.agree(member) then
    board.checked(member.slot, true, reason)
  end
  local change = changes.look(self.agent, member, is_told)
  self.applied = nil
  return change
end

-- Another balancer has checked it. What was found here stays, until a check of ours says otherwise.
---@param probe table
---@param verdict boolean
---@param reason string
function Health:hear(probe, verdict, reason)
  changes.look(self.agent, probe.member)
  if probe.member.marked_at or probe.is_contradicted or probe.verdict == verdict then return end
  probes.hear(probe, verdict)
  decide(self, probe, verdict, reason)
end

local function apply(self, probe, is_ok, reason, stage)
  local agent, before = self.agent, probe.down
  changes.look(agent, probe.member) -- a result is about what was true before it
  if is_outdated(probe, is_ok) then return end
  if probe.label then reason = probe.label .. ": " .. reason end
  local verdict = pace.verdict(probe, is_ok, probe.decides)
  local change = verdict ~= nil and decide(self, probe, verdict, verdict and "checked ok" or reason,
    check_log.tells_change(agent)) or nil
  check_log.tell(agent, probe, is_ok, reason, stage, change)
  if before and probe.down == before then before.looks = before.looks + 1 end
  local duty = probe.member.pool.duty
  if duty then duty:note(probe, is_ok, reason) end
end

-- The agent itself had no files or memory for a connection. One line per second is enough.
local function was_short(self, probe)
  local host = self.agent.host
  if host.shortages() == probe.shortages then return false end
  local now = host.now()
  if not self.said_short or now - self.said_short >= 1 then
    self.said_short = now
    host.log.error("check of %s is discarded: neap's agent itself is short of open files or memory "
      .. "(ulimit -n, or LimitNOFILE= of systemd)", probe.member.url)
  end
  return true
end

-- If the agent itself lacked something, or was delayed meanwhile, the result is no evidence against
-- the backend.
local function is_void(self, probe, is_ok)
  if is_ok then return false end
  if was_short(self, probe) then return true end
  local late = self.agent:late_since(probe.started)
  if late <= probe.limit / 2 then return false end
  self.agent.host.log.warn("check of %s is discarded: neap's agent itself was %.1f s late",
    probe.member.url, late)
  return true
end

-- → is_ok (nil: no verdict), reason, stage
local function judge(self, probe, outcome, is_ok, reason, stage)
  local pool = probe.member.pool
  if outcome == "timeout" then
    return false, ("timed out after %g s"):format(probe.limit), probe.is_hook and "" or "connect"
  end
  local why = outcome == "error" and is_ok
  if not why and type(is_ok) ~= "boolean" then
    why = ("check returned %s (expected true, or false and a reason)"):format(type(is_ok))
  end
  if why then
    self.agent.host.hook_error(pool, "check", why)
    return nil
  end
  if probe.is_hook then self.agent.host.hook_ok(pool, "check") end
  return is_ok, reason ~= nil and tostring(reason) or "no reason given", stage
end

-- After the first check, those of a large pool are spread over half an interval.
local function next_delay(self, probe)
  local delay = pace.delay(probe, self.agent.host.random())
  local is_first = not probe.has_run
  probe.has_run = true
  if not is_first or #probe.member.pool.members <= FIRST_AT_ONCE then return delay end
  return delay * (0.5 + 0.5 * self.agent.host.random())
end

-- It is another balancer's.
local function leave(self, probe, seconds)
  return seconds >= 0 and seconds or next_delay(self, probe)
end

function Health:ended(probe, outcome, ...)
  local settings = probe.settings
  if outcome == "done" and (...) == "left" then return leave(self, probe, select(2, ...)) end
  if outcome == "done" and (...) == "unchecked" then
    revive(self, probe.member, ("tried again after %d s"):format(REVIVE_AFTER))
    return nil
  end
  local is_ok, reason, stage = judge(self, probe, outcome, ...)
  if is_ok ~= nil then
    if is_void(self, probe, is_ok) then
      probe.is_asked = probe.is_asked or probe.decides
      return math.min(settings.recheck, settings.interval)
    end
    apply(self, probe, is_ok, reason, stage)
  end
  return next_delay(self, probe)
end

-- Its state is another one now, by a check, a request, a script or a person.
function Health:on_change(member)
  local by_check = self.applied == member
  self.agent.ejected[member] = member.state == "ejected" or nil
  member.marked_at, member.is_suspended = nil, nil
  if by_check then return end
  if member.state == "down" then
    member.marked_at = self.agent.host.now()
    probes.fail(member, true)
    set_all_due(self, member)
  else
    probes.rest(member)
  end
end

-- Brings back backends whose ejection is over, in the state that their last check found.
function Health:end_ejections()
  local agent = self.agent
  for member in pairs(agent.ejected) do
    local until_ms = agent.board.condition(member.slot).ejected_until
    if until_ms <= agent.board.wall_ms() then
      agent.board.set_state(member.slot, probes.last(member), "its ejection is over")
      changes.look(agent, member)
    end
  end
end

return health
