-- When a backend is checked next, and what a row of results makes of its state. Pure arithmetic.

local pace = {}

local JITTER = 0.1
-- Seconds between quick re-checks: with the agent's own tick and the check itself, what is started
-- again serves again within two.
local AGAIN = 1.8

-- ±10 %, so that the checks of many backends, or of many neaps, do not march in step.
---@param seconds number
---@param dice number  0 … 1
local function jittered(seconds, dice) return seconds * (1 - JITTER + 2 * JITTER * dice) end

-- Seconds until the next check. What is down is looked at sooner: first after `recheck`, then every
-- two seconds if a request found it dead (it was alive a moment ago, and is probably being
-- started again); if a check did, in steps that double. Never later than the interval.
---@param health table   interval, recheck
---@param down table?  while it is down: { looks = checks since then, by_request = boolean }
---@param dice number    0 … 1
---@return number
function pace.delay(health, down, dice)
  if not down then return jittered(health.interval, dice) end
  local quick = health.recheck
  if down.looks > 0 then
    quick = down.by_request and AGAIN or AGAIN * 2 ^ math.min(down.looks - 1, 16)
  end
  if quick >= health.interval then return jittered(health.interval, dice) end
  return quick
end

-- Counts one result. The very first one decides at once, whatever rise and fall say: before it
-- nothing is known.
---@param row table  successes, failures (in a row; changed here)
---@param is_ok boolean
---@param health table  rise, fall
---@param is_unknown boolean
---@return boolean|nil  true: up now, false: down now, nil: not decided yet
function pace.verdict(row, is_ok, health, is_unknown)
  if is_ok then
    row.successes, row.failures = row.successes + 1, 0
    if is_unknown or row.successes >= health.rise then return true end
  else
    row.successes, row.failures = 0, row.failures + 1
    if is_unknown or row.failures >= health.fall then return false end
  end
  return nil
end

return pace
