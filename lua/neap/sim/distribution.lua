-- How long requests take: `--service`.

local values = require "neap.sim.values"

local distribution = {}

local exp, log, sqrt, cos = math.exp, math.log, math.sqrt, math.cos
local TWO_PI = 2 * math.pi

local function above_zero(name)
  return { name, "seconds", above = 0, range = "a time above 0" }
end

local kinds = {}

table.insert(kinds, {
  word = "fixed", form = "fixed:S", parts = { above_zero "S" },
  mean = function(s) return s end,
  make = function(s) return function() return s end end,
})

table.insert(kinds, {
  word = "exponential", form = "exponential:MEAN", parts = { above_zero "MEAN" },
  mean = function(mean) return mean end,
  make = function(mean)
    return function(random) return -mean * log(1 - random()) end
  end,
})

table.insert(kinds, {
  word = "lognormal", form = "lognormal:MEDIAN,SIGMA",
  parts = { above_zero "MEDIAN", { "SIGMA", "number", min = 0, max = 10, range = "0 to 10" } },
  mean = function(median, sigma) return median * exp(sigma * sigma / 2) end,
  make = function(median, sigma)
    return function(random) -- by Box and Muller
      local radius = sqrt(-2 * log(1 - random()))
      return median * exp(sigma * radius * cos(TWO_PI * random()))
    end
  end,
})

table.insert(kinds, {
  word = "bimodal", form = "bimodal:FAST,SLOW,SHARE",
  parts = { above_zero "FAST", above_zero "SLOW",
    { "SHARE", "number", above = 0, below = 1, range = "the part of slow ones, between 0 and 1" } },
  mean = function(fast, slow, share) return fast * (1 - share) + slow * share end,
  make = function(fast, slow, share)
    return function(random) return random() < share and slow or fast end
  end,
})

table.insert(kinds, { word = "log", form = "log", parts = {}, from_log = true })

---@return string  -- for the help
function distribution.forms() return values.forms(kinds) end

-- "exponential:0.02" → { text =, mean =, draw = function(random) → seconds }; for "log", which
-- takes what the log says, it has from_log instead.
---@return table? distribution, string? why
function distribution.parse(text)
  local kind, list = values.form(text, kinds)
  if not kind then return nil, list end
  if kind.from_log then return { text = text, from_log = true } end
  local mean = kind.mean(unpack(list))
  if mean == math.huge then return nil, ("'%s': its mean is beyond all numbers"):format(text) end
  return { text = text, mean = mean, draw = kind.make(unpack(list)) }
end

return distribution
