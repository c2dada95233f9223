-- When a backend is checked next, and what a row of results makes of its state. Pure arithmetic.

local pace = {}

-- Seconds between quick re-checks: with the agent's own tick and the check itself, what is started
-- again serves again within two.
local AGAIN = 1.8

-- So that the checks of many backends, or of many neaps, do not march in step.
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

-- Seconds until the next check. What is down is looked at sooner: first after `recheck`, then every
-- two seconds if a request found it dead (it was alive a moment ago, and is probably being
-- started again); if a check did, in steps that double. Never later than the interval.
---@param probe table  (probes.lua)
---@param dice number   0 … 1
---@return number
function pace.delay(probe, dice)
  local settings, down = probe.settings, probe.down
  if settings.fast and is_changing(probe) then return jittered(settings.fast, settings, dice) end
  if not down then return jittered(settings.interval, settings, dice) end
  local quick = settings.recheck
  if down.looks > 0 then
    quick = down.by_request and AGAIN or AGAIN * 2 ^ math.min(down.looks - 1, 16)
  end
  if quick >= settings.interval then return jittered(settings.interval, settings, dice) end
  return quick
end

-- Counts one result. The very first one decides at once, whatever rise and fall say: before it
-- nothing is known.
---@param probe table  settings: rise, fall; verdict; successes, failures (in a row; changed here)
---@param is_ok boolean
---@return boolean|nil  true: well now, false: dead now, nil: not decided yet
function pace.verdict(probe, is_ok)
  local settings, is_unknown = probe.settings, probe.verdict == nil
  if is_ok then
    probe.successes, probe.failures = probe.successes + 1, 0
    if is_unknown or probe.successes >= settings.rise then return true end
  else
    probe.successes, probe.failures = 0, probe.failures + 1
    if is_unknown or probe.failures >= settings.fall then return false end
  end
  return nil
end

return pace
