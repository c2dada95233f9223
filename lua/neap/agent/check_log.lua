-- What the log says of checks: a line when the result differs from the last one, which also names
-- the change of state that follows; or, with log.checks = "all", each result in the article's
-- words.

local check_log = {}

local function tells_all(agent)
  local log = agent.config and agent.config.log
  return log ~= nil and log.checks == "all"
end

-- Do the lines of checks name the change of state that they make? For changes.look.
---@return boolean?
function check_log.tells_change(agent) return not tells_all(agent) or nil end

local function say_ok(say, member, which, change)
  say("%s checked ok by healthcheck%s%s", member.url, which, change)
end

local function why_dead(member, reason, stage)
  local what = stage == "connect" and "Unreachable to" or "Unhealthy"
  return ("%s %s, error:%s"):format(what, member.target, reason)
end

-- The article has two lines for it.
local function tell_all(log, member, is_ok, which, reason, stage)
  if is_ok then return say_ok(log.info, member, which, "") end
  log.warn("%s", why_dead(member, reason, stage))
  log.warn("%s checked dead by healthcheck%s", member.url, which)
end

---@param agent table
---@param probe table    last_ok: the result before this one; changed here
---@param is_ok boolean
---@param reason string  why it is dead
---@param stage string?  "connect": there was not even a connection
---@param change string? the change of state that it made: "up → down"
function check_log.tell(agent, probe, is_ok, reason, stage, change)
  local member, log = probe.member, agent.host.log
  -- The line of the request that found it dead has said so.
  local is_other = probe.last_ok ~= is_ok and (is_ok or member.state ~= "down")
  local is_news = is_other or change ~= nil
  local which = probe.label and (" (%s)"):format(probe.label) or ""
  probe.last_ok = is_ok
  if tells_all(agent) then return tell_all(log, member, is_ok, which, reason, stage) end
  change = change and (" (pool %s: %s)"):format(member.pool.name, change) or ""
  if is_ok then return say_ok(is_news and log.info or log.debug, member, which, change) end
  local say = is_news and log.warn or log.debug
  say("%s checked dead by healthcheck%s%s: %s", member.url, which, change,
    why_dead(member, reason, stage))
end

return check_log
