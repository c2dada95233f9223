-- The axes of charts: from values to shares of a length, and where their marks are.

local scale = {}

local function seconds_label(value) return require("neap.sim.format").tick(value) end

local function plain_label(value) return ("%.6g"):format(value) end

-- The next of 1, 2, 5, 10, … that is at least so much.
local function nice(value)
  local power = 10 ^ math.floor(math.log10(value))
  for _, step in ipairs { 1, 2, 5, 10 } do
    if step * power >= value * (1 - 1e-9) then return step * power end
  end
end

-- From 0 (or `least`) to at least `most`, with about so many marks.
---@param o table  most, least, marks, label
---@return table  at(value) → 0 to 1, ticks: { at =, label = }
function scale.linear(o)
  local least, most = o.least or 0, math.max(o.most, (o.least or 0) + 1e-9)
  local step = nice((most - least) / (o.marks or 5))
  local first = math.floor(least / step + 1e-9) * step
  local last = o.is_exact and most or math.ceil(most / step - 1e-9) * step
  local self = { ticks = {}, at = function(v) return (v - first) / (last - first) end }
  local label, i = o.label or plain_label, 0
  while first + i * step <= last * (1 + 1e-9) do
    table.insert(self.ticks, { at = self.at(first + i * step), label = label(first + i * step) })
    i = i + 1
  end
  return self
end

-- Seconds, with decades of equal length.
---@param o table  least, most
function scale.log(o)
  local least = math.log10(math.max(o.least, 1e-7))
  local most = math.log10(math.max(o.most, 10 ^ least * 1.5))
  local first, last = math.floor(least * 2) / 2, math.ceil(most * 2) / 2
  local self = { ticks = {} }
  function self.at(v)
    local share = (math.log10(math.max(v, 1e-7)) - first) / (last - first)
    return math.max(0, math.min(share, 1))
  end
  local steps = last - first > 3 and { 1 } or { 1, 2, 5 }
  for decade = math.floor(first), math.ceil(last) do
    for _, step in ipairs(steps) do
      local value = step * 10 ^ decade
      local at = (math.log10(value) - first) / (last - first)
      if at > -1e-9 and at < 1 + 1e-9 then
        table.insert(self.ticks, { at = at, label = seconds_label(value) })
      end
    end
  end
  return self
end

-- Shares of all requests, wider the nearer they are to 1: each further nine is as long as the one
-- before.
function scale.nines(count)
  local self = { ticks = {} }
  function self.at(share) return math.min(-math.log10(math.max(1 - share, 1e-9)) / count, 1) end
  local marks = { { 0, "0" }, { 0.5, "50 %" }, { 0.9, "90 %" }, { 0.99, "99 %" },
    { 0.999, "99.9 %" }, { 0.9999, "99.99 %" } }
  for _, mark in ipairs(marks) do
    if mark[1] <= 1 - 10 ^ -count + 1e-12 then
      table.insert(self.ticks, { at = self.at(mark[1]), label = mark[2] })
    end
  end
  return self
end

return scale
