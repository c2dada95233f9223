-- The charts of a result: each is a function of the scenario and its results that returns what
-- chart.lua draws, or nil if there is nothing to see.

local chart = require "neap.sim.chart"
local format = require "neap.sim.format"
local scale = require "neap.sim.scale"
local stats = require "neap.sim.stats"
local trim = require "neap.trim"

local pictures = {}

local BARS_MAX, HEAT_MAX = 32, 64

local function marks_of(s, is_silent)
  local marks = {}
  for _, event in ipairs(s.plan) do
    local label = not is_silent and trim.blanks(event.text):match "^%S+%s+(.*)$" or ""
    table.insert(marks, { at = event.time, label = label })
  end
  return marks
end

local function time_axis(s)
  local unit, name = 1, "s"
  if s.horizon > 7200 then unit, name = 3600, "h" elseif s.horizon > 300 then
    unit, name = 60, "min"
  end
  local axis = scale.linear { most = s.horizon / unit, marks = 6, is_exact = true,
    label = function(v) return ("%.6g %s"):format(v, name) end }
  return { ticks = axis.ticks, at = function(v) return axis.at(v / unit) end }
end

local function extremes(results, list_of)
  local least, most = math.huge, 0
  for _, result in ipairs(results) do
    for _, value in ipairs(list_of(result)) do
      if value and value > 0 then least, most = math.min(least, value), math.max(most, value) end
    end
  end
  if most == 0 then return 1e-3, 1 end
  return least, most
end

-- What all policies have at each point.
local function told(results, title, value_of)
  local lines = { title }
  for _, result in ipairs(results) do
    table.insert(lines, ("%s: %s"):format(result.name, value_of(result)))
  end
  return table.concat(lines, "\n")
end

local function share_name(share)
  -- linear: a number is short
  return (("%.4f"):format(share * 100):gsub("%.?0+$", "")) .. " %"
end

-- As many nines as the number of requests can show.
local function nines_of(results)
  local n = math.huge
  for _, result in ipairs(results) do n = math.min(n, result.requests - result.errors) end
  return math.max(2, math.min(4, math.floor(math.log10(math.max(n, 1)))))
end

function pictures.latency(_, results, size)
  local shares, nines = stats.curve_shares, nines_of(results)
  local last = 0
  while shares[last + 1] and shares[last + 1] <= 1 - 10 ^ -nines + 1e-9 do last = last + 1 end
  local least, most = extremes(results, function(r)
    local list = {}
    for i = 2, last do list[i - 1] = r.curve[i] end
    return list
  end)
  local o = { title = "Latency", subtitle = "the share of requests that took at most so long",
    width = size.width, height = size.height, x = scale.nines(nines),
    y = scale.log { least = least, most = most }, lines = {}, hover = {} }
  for k, result in ipairs(results) do
    local points = {}
    for i = 1, last do points[i] = { shares[i], result.curve[i] } end
    o.lines[k] = { class = chart.class(k), points = points }
  end
  for i = 1, last - 1 do
    o.hover[i] = { from = shares[i], to = shares[i + 1], text = told(results,
      share_name(shares[i]) .. " took at most", function(r) return format.seconds(r.curve[i]) end) }
  end
  return chart.lines(o)
end

-- One line per policy over time. `list_of` → one value per window.
local function over_time(s, results, size, o)
  o.width, o.height, o.x, o.marks = size.width, size.height, time_axis(s), marks_of(s)
  o.lines, o.hover = o.lines or {}, {}
  local interval = results[1].interval
  for k, result in ipairs(results) do
    local points = {}
    for i, value in ipairs(o.list_of(result)) do points[i] = { (i - 0.5) * interval, value } end
    table.insert(o.lines, { class = chart.class(k), points = points })
  end
  for i = 1, #results[1].timeline.p99 do
    local at = ("%s to %s"):format(format.seconds((i - 1) * interval), format.seconds(i * interval))
    o.hover[i] = { from = (i - 1) * interval, to = i * interval, text = told(results, at,
      function(r) return o.tell(o.list_of(r)[i], r, i) end) }
  end
  return chart.lines(o)
end

-- Where nothing was answered there is no latency.
local function gaps(list)
  local result = {}
  for i, value in ipairs(list) do result[i] = value > 0 and value or false end
  return result
end

function pictures.over_time(s, results, size)
  local least = extremes(results, function(r) return r.timeline.p50 end)
  local _, most = extremes(results, function(r) return r.timeline.p99 end)
  local lines, interval = {}, results[1].interval
  for k, result in ipairs(results) do
    local points = {}
    for i, value in ipairs(gaps(result.timeline.p50)) do
      points[i] = { (i - 0.5) * interval, value }
    end
    lines[k] = { class = chart.class(k), points = points, is_thin = true }
  end
  return over_time(s, results, size, {
    title = "Over time", subtitle = "p99 of latency, and p50 (thin)", lines = lines,
    y = scale.log { least = least, most = most },
    list_of = function(r) return gaps(r.timeline.p99) end,
    tell = function(value, r, i)
      return value and ("p50 %s, p99 %s"):format(format.seconds(r.timeline.p50[i]),
        format.seconds(value)) or "no answer"
    end,
  })
end

function pictures.imbalance(s, results, size)
  local _, most = extremes(results, function(r) return r.timeline.imbalance end)
  return over_time(s, results, size, {
    title = "Imbalance", subtitle = "requests of the busiest backend over the average",
    y = scale.linear { least = 1, most = math.max(most, 1.25) },
    list_of = function(r) return r.timeline.imbalance end,
    tell = function(value) return value and ("%.2f"):format(value) or "no request" end,
  })
end

function pictures.queues(s, results, size)
  local _, most = extremes(results, function(r) return r.timeline.queue end)
  return over_time(s, results, size, {
    title = "Longest queue", subtitle = "requests that wait at one backend, at the worst moment",
    y = scale.linear { most = math.max(most, 4) },
    list_of = function(r) return r.timeline.queue end,
    tell = function(value) return format.count(value) end,
  })
end

function pictures.errors(s, results, size)
  local sum = 0
  for _, result in ipairs(results) do sum = sum + result.errors end
  if sum == 0 then return nil end
  local _, most = extremes(results, function(r) return r.timeline.errors end)
  return over_time(s, results, size, {
    title = "Errors", subtitle = ("requests without an answer, in %s each"):format(
      format.seconds(results[1].interval)),
    y = scale.linear { most = most },
    list_of = function(r) return r.timeline.errors end,
    tell = function(value) return format.count(value) end,
  })
end

local function tell_backend(name, backend)
  return ("%s: %s\n%s of requests, in use %s"):format(backend.name, name,
    format.percent(backend.share), format.percent(backend.utilisation))
end

local function few_backends(results, size, o)
  o.groups = {}
  for b, backend in ipairs(results[1].backends) do
    local bars = {}
    for k, result in ipairs(results) do
      bars[k] = { class = chart.class(k), value = result.backends[b].utilisation,
        text = tell_backend(result.name, result.backends[b]) }
    end
    o.groups[b] = { label = backend.name, bars = bars }
  end
  o.width, o.height = size.width, size.height
  return chart.bars(o)
end

-- If there are many backends: sorted, the busiest first.
local function many_backends(results, size, o)
  local n = #results[1].backends
  o.width, o.height, o.lines = size.width, size.height, {}
  o.subtitle = "share of the time, the busiest first"
  o.x = scale.linear { most = n, marks = 6, is_exact = true }
  for k, result in ipairs(results) do
    local values, points = {}, {}
    for b, backend in ipairs(result.backends) do values[b] = backend.utilisation end
    table.sort(values, function(a, b) return a > b end)
    local step = math.max(1, math.floor(n / 400))
    for b = 1, n, step do table.insert(points, { b, values[b] }) end
    table.insert(points, { n, values[n] })
    o.lines[k] = { class = chart.class(k), points = points }
  end
  return chart.lines(o)
end

function pictures.backends(_, results, size)
  local most = 0
  for _, result in ipairs(results) do
    for _, backend in ipairs(result.backends) do most = math.max(most, backend.utilisation) end
  end
  local o = { title = "Backends in use", subtitle = "share of the time",
    y = scale.linear { most = most > 0.5 and 1 or most, label = function(v)
      return ("%.3g %%"):format(v * 100)
    end } }
  local bars = #results[1].backends * #results
  return (bars <= BARS_MAX * 3 and #results[1].backends <= BARS_MAX and few_backends
    or many_backends)(results, size, o)
end

-- How many requests waited where and when: one row per backend. nil: there are too many.
function pictures.heat(s, result, number, most, size)
  local n = #result.backends
  if n > HEAT_MAX then return nil end
  local rows = {}
  for b, backend in ipairs(result.backends) do
    local cells = {}
    for i, window in ipairs(result.heat) do cells[i] = window[b] end
    rows[b] = { label = backend.name, cells = cells }
  end
  return chart.heat {
    title = result.name, subtitle = ("the longest queue of each backend (darkest: %s)"):format(
      format.count(most)),
    width = size.width, height = size.height, x = time_axis(s), class = chart.class(number),
    rows = rows, most = most, marks = marks_of(s, true),
    tell = function(row, column)
      return ("%s, from %s: %s waiting"):format(rows[row].label,
        format.seconds((column - 1) * result.interval), format.count(rows[row].cells[column]))
    end,
  }
end

---@return number  -- the longest queue of all
function pictures.longest(results)
  local _, most = extremes(results, function(r) return r.timeline.queue end)
  return most
end

return pictures
