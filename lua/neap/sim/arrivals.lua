-- When requests come: `--arrivals`. All but the closed loop are functions of the time: from one
-- arrival to the next.

local values = require "neap.sim.values"

local arrivals = {}

local log, sin, huge = math.log, math.sin, math.huge
local TWO_PI = 2 * math.pi

local function at_least_one(name) return { name, "number", min = 1, range = "1 or more" } end
local function above_zero(name) return { name, "seconds", above = 0, range = "a time above 0" } end

-- Arrivals whose rate changes, by thinning (Lewis and Shedler 1979): made at the highest rate, and
-- kept with the probability "present rate divided by highest rate".
local function changing(peak, rate_at, random)
  return function(now)
    repeat
      now = now - log(1 - random()) / peak
    until random() * peak <= rate_at(now)
    return now
  end
end

local kinds = {}

table.insert(kinds, {
  word = "poisson", form = "poisson", parts = {},
  make = function(rate, random)
    return function(now) return now - log(1 - random()) / rate end
  end,
})

table.insert(kinds, {
  word = "uniform", form = "uniform", parts = {},
  make = function(rate)
    return function(now) return now + 1 / rate end
  end,
})

table.insert(kinds, {
  word = "bursts", form = "bursts:FACTOR,LENGTH,EVERY",
  parts = { at_least_one "FACTOR", above_zero "LENGTH", above_zero "EVERY" },
  check = function(_, length, every)
    if length >= every then return "LENGTH must be shorter than EVERY" end
  end,
  peak = function(factor, length, every)
    return factor * every / (every + (factor - 1) * length)
  end,
  make = function(rate, random, factor, length, every)
    local base = rate * every / (every + (factor - 1) * length)
    return changing(base * factor, function(t)
      return t % every < length and base * factor or base
    end, random)
  end,
})

table.insert(kinds, {
  word = "diurnal", form = "diurnal:SWING,PERIOD",
  parts = { { "SWING", "number", min = 0, max = 1, range = "0 to 1" }, above_zero "PERIOD" },
  make = function(rate, random, swing, period)
    return changing(rate * (1 + swing), function(t)
      return rate * (1 - swing * sin(TWO_PI * (t / period + 0.25)))
    end, random)
  end,
})

table.insert(kinds, {
  word = "closed", form = "closed:USERS,THINK",
  parts = { { "USERS", "number", min = 1, max = 1e6, range = "1 to 1000000" },
    { "THINK", "seconds", min = 0, range = "a time of 0 or more" } },
  check = function(users)
    if users % 1 ~= 0 then return "USERS must be an integer" end
  end,
  is_closed = true,
})

---@return string  -- for the help
function arrivals.forms() return values.forms(kinds) end

-- "bursts:5,1s,10s" → { text =, peak = the highest rate over the average, make = function(rate,
-- random) → function(now) → time of the next }; of a closed loop { users =, think = } instead.
---@return table? arrivals, string? why
function arrivals.parse(text)
  local kind, list = values.form(text, kinds)
  if not kind then return nil, list end
  local why = kind.check and kind.check(unpack(list))
  if why then return nil, ("'%s': %s"):format(text, why) end
  if kind.is_closed then return { text = text, users = list[1], think = list[2] } end
  return {
    text = text, peak = kind.peak and kind.peak(unpack(list)) or 1,
    make = function(rate, random) return kind.make(rate, random, unpack(list)) end,
  }
end

-- Nothing ever comes.
function arrivals.never() return huge end

return arrivals
