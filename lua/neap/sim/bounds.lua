-- Simulations that would never end are refused before they begin: so many requests, or so many
-- events without one, come from a mistake in a flag.

local bounds = {}

local REQUESTS_MAX = 1e8 -- some minutes
local EVENTS_MAX = 1e9   -- cheap ones
local RUNTIMES_MAX = 2400 -- LuaJIT has room for the kinds of objects of 2,600

local function count(n) return n < 1e6 and ("%.0f"):format(n) or ("%.3g"):format(n) end

local function check_rate(o, horizon)
  local n = o.rate * horizon
  if n > REQUESTS_MAX then
    return ("--rate: %.6g a second for %.6g s are %s requests (at most %s; make --rate or "
      .. "--duration less)"):format(o.rate, horizon, count(n), count(REQUESTS_MAX))
  end
  if n * o.arrivals.peak > EVENTS_MAX then
    return ("--arrivals: '%s' of --rate %.6g come at %.3g a second in a burst, which is beyond "
      .. "what can be simulated"):format(o.arrivals.text, o.rate, o.rate * o.arrivals.peak)
  end
end

-- Each user is thinking or has one request under way.
local function check_users(o, horizon, places, mean)
  local n = horizon * math.min(o.arrivals.users / o.arrivals.think, places / mean)
  if n > REQUESTS_MAX then
    return ("--arrivals: '%s' for %.6g s are up to %s requests (at most %s; make --duration less, "
      .. "or the users' time to think longer)"):format(o.arrivals.text, horizon, count(n),
      count(REQUESTS_MAX))
  end
end

---@param o table  the flags
---@param s table  the scenario: horizon, backends, service
---@param places number  requests that all backends serve at once, times their speed
---@return string? why
function bounds.check(o, s, places)
  if o.balancers * #o.policies > RUNTIMES_MAX then
    return ("--balancers: %d for each of %d policies are too many for one run (at most %d of all; "
      .. "try fewer policies at a time)"):format(o.balancers, #o.policies, RUNTIMES_MAX)
  end
  local checks = s.horizon / o.health * #s.backends * o.balancers
  if checks > EVENTS_MAX then
    return ("--health: a check of %d backends each %.6g s for %.6g s are too many (%s; make "
      .. "--health longer, or --duration less)"):format(#s.backends, o.health, s.horizon,
      count(checks))
  end
  if o.arrivals.users then return check_users(o, s.horizon, places, s.service.mean or 1e-9) end
  if not o.trace then return check_rate(o, s.horizon) end
  if o.given.rate and o.arrivals.peak > EVENTS_MAX / REQUESTS_MAX * 100 then
    return ("--arrivals: '%s' has bursts beyond what can be simulated"):format(o.arrivals.text)
  end
end

return bounds
