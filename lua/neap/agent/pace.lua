-- When a backend is checked next, and which state a row of results gives it. Pure arithmetic.

local pace = {}

-- Seconds between quick re-checks: with the agent's own tick and the check itself, a backend that
-- is started again serves within two seconds.
local AGAIN = 1.8

-- So that the checks of many backends, or of many neaps, do not run in step.
---@param seconds number
---@param settings table  jitter, a share
---@param dice number  0 … 1
local function jittered(seconds, settings, dice)
  return seconds * (1 - settings.jitter + 2 * settings.jitter * dice)
end

-- Is it on its way to another verdict?
local function is_changing(probe)
  if probe.verdict then return probe.failures > 0 end
  return probe.verdict == false and probe.successes > 0
end

-- A backend that was never found healthy is probably being started, with its balancer: it is
-- checked again after a quarter of `recheck`, then a half, …
local function early(probe)
  if probe.was_well then return math.huge end
  return probe.settings.recheck / 4 * 2 ^ math.min(math.max(probe.bad_looks or 0, 1) - 1, 16)
end

-- Seconds until the next check. A backend that is down is checked sooner: first after `recheck`,
-- then every two seconds if a request found it dead (it was alive a moment ago, and is probably
-- being started again); if a check found it dead, in steps that double. Never later than the
-- interval.
---@param probe table  (probes.lua)
---@param dice number   0 … 1
---@return number
function pace.delay(probe, dice)
  local settings, down = probe.settings, probe.down
  if settings.fast and is_changing(probe) then return jittered(settings.fast, settings, dice) end
  local is_undecided = probe.verdict == nil and probe.failures > 0
  if not down and not is_undecided then return jittered(settings.interval, settings, dice) end
  local quick = settings.recheck
  if down and down.looks > 0 then
    quick = down.by_request and AGAIN or AGAIN * 2 ^ math.min(down.looks - 1, 16)
  end
  quick = math.min(quick, early(probe))
  if quick >= settings.interval then return jittered(settings.interval, settings, dice) end
  return quick
end

-- Counts one result. The first good result of all decides at once, whatever rise says: before it
-- nothing is known.
---@param probe table  settings: rise, fall; verdict; successes, failures (in a row; changed here)
---@param is_ok boolean
---@param decides boolean?  a request found it suspect: one bad check is enough
---@return boolean|nil  true: well now, false: dead now, nil: not decided yet
function pace.verdict(probe, is_ok, decides)
  local settings, is_unknown = probe.settings, probe.verdict == nil
  if is_ok then
    probe.successes, probe.failures, probe.was_well = probe.successes + 1, 0, true
    if is_unknown or probe.successes >= settings.rise then return true end
  else
    probe.successes, probe.failures = 0, probe.failures + 1
    probe.bad_looks = (probe.bad_looks or 0) + 1
    if decides then probe.failures = math.max(probe.failures, settings.fall) end
    if probe.failures >= settings.fall then return false end
  end
  return nil
end

return pace
