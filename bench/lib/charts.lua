-- Which charts there are, made from results.
local plot = require "lib.plot"
local report = require "lib.report"

local charts = {}

local function group_of(name, rows, value, text)
  local group = { name = name, bars = {} }
  for _, row in ipairs(rows) do
    local v = value(row)
    if v then table.insert(group.bars, { label = row.label, value = v, text = text(row, v) }) end
  end
  return #group.bars > 0 and group or nil
end

function charts.cpu(results)
  local groups = {}
  for _, result in ipairs(results) do
    local s, rows = result.scenario, result.rows
    if s.kind == "load" and not s.neap_only then
      local unit = s.per == "gb" and "ms/GB" or "µs"
      table.insert(groups, group_of(s.name, rows, function(row)
        return report.ratio(row, rows, s.base, "cpu")
      end, function(row, v) return ("%.2f (%.1f %s)"):format(v, row.cpu, unit) end))
    end
  end
  return plot.bars("CPU time, beside the better of nginx and HAProxy",
    "User and system time of all processes; 1.00 = the better peer; shorter is better",
    groups, 1)
end

local function latency_groups(result)
  local groups = {}
  local names = { { "p50_us", "p50" }, { "p99_us", "p99" }, { "p999_us", "p99.9" } }
  for _, part in ipairs { 30, 70 } do
    for _, name in ipairs(names) do
      table.insert(groups, group_of(("%s at %d %%"):format(name[2], part), result.rows,
        function(row) return row.part == part and row[name[1]] or nil end,
        function(_, v) return ("%.0f µs"):format(v) end))
    end
  end
  return groups
end

local function idle_groups(result)
  return { group_of("bytes each", result.rows, function(row) return row.bytes end,
    function(_, v) return ("%.0f"):format(v) end) }
end

local function find(results, name)
  for _, result in ipairs(results) do
    if result.scenario.name == name then return result end
  end
end

-- name → SVG, for what was measured.
function charts.all(results)
  local out = {}
  if find(results, "small") then out.cpu = charts.cpu(results) end
  local latency, idle = find(results, "latency"), find(results, "idle")
  if latency then
    out.latency = plot.bars("Latency at a fixed rate",
      "Open loop, counted from when a request was due; shorter is better", latency_groups(latency))
  end
  if idle then
    out.idle = plot.bars("Memory of an idle connection",
      "User memory of all processes of the balancer; shorter is better", idle_groups(idle))
  end
  return out
end

return charts
