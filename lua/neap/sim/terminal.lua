-- The result as a table with bars, for a terminal.

local describe = require "neap.sim.describe"
local format = require "neap.sim.format"

local terminal = {}

local NAME_MAX, BAR, BACKENDS_MAX, SPARK = 28, 24, 16, 60

local left, right, seconds = format.left, format.right, format.seconds

local function name_width(results)
  local width = 8
  for _, result in ipairs(results) do
    width = math.max(width, math.min(format.width(result.name), NAME_MAX))
  end
  return width
end

local function heading(out, s)
  for _, row in ipairs(describe.rows(s)) do out("  " .. left(row[1], 11) .. row[2] .. "\n") end
end

local COLUMNS = { "p50", "p90", "p99", "p999", "mean", "max" }
local TITLES = { p50 = "p50", p90 = "p90", p99 = "p99", p999 = "p99.9", mean = "mean", max = "max" }

-- How a result compares with the reference, in a line of its own.
local function comparison(out, width, result, reference)
  if not reference or reference == result then return end
  local cells = {}
  for i, column in ipairs(COLUMNS) do
    cells[i] = right(format.change(result.latency[column], reference.latency[column]) or "", 10)
  end
  out("  " .. (" "):rep(width) .. table.concat(cells) .. "  against " .. reference.name .. "\n")
end

local function percentile_table(out, width, title, results, key, reference)
  local head = {}
  for i, column in ipairs(COLUMNS) do head[i] = right(TITLES[column], 10) end
  out("\n" .. left(title, width + 2) .. table.concat(head) .. "\n")
  for _, result in ipairs(results) do
    local cells = {}
    for i, column in ipairs(COLUMNS) do cells[i] = right(seconds(result[key][column]), 10) end
    out("  " .. left(format.short(result.name, width), width) .. table.concat(cells) .. "\n")
    if key == "latency" then comparison(out, width, result, reference) end
  end
end

local function bars(out, width, title, results, value_of)
  local most = 0
  for _, result in ipairs(results) do most = math.max(most, value_of(result)) end
  out("\n" .. title .. "\n")
  for _, result in ipairs(results) do
    local value = value_of(result)
    out("  " .. left(format.short(result.name, width), width) .. "  "
      .. left(format.bar(most > 0 and value / most or 0, BAR), BAR) .. " " .. seconds(value)
      .. "\n")
  end
end

local function counts(out, width, results)
  local titles = { "requests", "errors", "retries", "hedges", "imbalance" }
  out("\n" .. (" "):rep(width + 2))
  for _, title in ipairs(titles) do out(right(title, 12)) end
  out("  (the busiest backend over the average)\n")
  for _, result in ipairs(results) do
    out("  " .. left(format.short(result.name, width), width)
      .. right(format.count(result.requests), 12) .. right(format.count(result.errors), 12)
      .. right(format.count(result.retries), 12) .. right(format.count(result.hedges), 12)
      .. right(("%.2f"):format(result.imbalance.mean), 12) .. "\n")
  end
end

local function moved(out, width, results)
  out("\n" .. left("moved", width + 2))
  for _, title in ipairs { "keys", "seen", "moved", "had to" } do out(right(title, 12)) end
  out("  (seen before and after backends came or went)\n")
  for _, result in ipairs(results) do
    out("  " .. left(format.short(result.name, width), width))
    for _, cell in ipairs(describe.moved(result) or { "none kept" }) do out(right(cell, 12)) end
    out "\n"
  end
end

local function backend_line(out, backend, label)
  out("    " .. left(label, 8) .. right(format.count(backend.count), 10)
    .. right(format.percent(backend.share), 9) .. "  "
    .. left(format.bar(backend.utilisation, BAR), BAR) .. right(format.percent(backend.utilisation),
      8) .. "\n")
end

-- If there are many backends, those that represent the others.
local function some_of(backends)
  local sorted = {}
  for b, backend in ipairs(backends) do sorted[b] = backend end
  table.sort(sorted, function(a, b)
    if a.utilisation ~= b.utilisation then return a.utilisation > b.utilisation end
    return a.name < b.name
  end)
  local n = #sorted
  return {
    { "busiest", sorted[1] }, { "10 %", sorted[math.ceil(n * 0.1)] },
    { "median", sorted[math.ceil(n * 0.5)] }, { "90 %", sorted[math.ceil(n * 0.9)] },
    { "idlest", sorted[n] },
  }
end

local function backends(out, results)
  out("\nbackends" .. right("requests", 14) .. right("share", 9) .. "  " .. left("in use", BAR + 2)
    .. "\n")
  for _, result in ipairs(results) do
    out("  " .. result.name .. "\n")
    if #result.backends <= BACKENDS_MAX then
      for _, backend in ipairs(result.backends) do backend_line(out, backend, backend.name) end
    else
      for _, row in ipairs(some_of(result.backends)) do backend_line(out, row[2], row[1]) end
    end
  end
end

local function over_time(out, width, results)
  local most = 0
  for _, result in ipairs(results) do
    for _, value in ipairs(result.timeline.p99) do most = math.max(most, value) end
  end
  out(("\np99 over time (%s a column, up to %s)\n"):format(
    seconds(results[1].interval * #results[1].timeline.p99 / SPARK), seconds(most)))
  for _, result in ipairs(results) do
    out("  " .. left(format.short(result.name, width), width) .. "  "
      .. format.spark(result.timeline.p99, SPARK, most) .. "\n")
  end
end

---@param s table  the scenario
---@param results table[]
---@param reference table?  the result that the others are compared with
---@param out fun(text: string)
function terminal.write(s, results, reference, out)
  local width = name_width(results)
  heading(out, s)
  percentile_table(out, width, "latency", results, "latency", reference)
  percentile_table(out, width, "queueing", results, "queueing")
  if #results > 1 then
    bars(out, width, "latency, p99", results, function(r) return r.latency.p99 end)
  end
  over_time(out, width, results)
  counts(out, width, results)
  if s.plan.moves then moved(out, width, results) end
  backends(out, results)
  local notes = describe.notes(s, results)
  if #notes > 0 then out "\nnotes\n" end
  for _, note in ipairs(notes) do out("  " .. note .. "\n") end
end

return terminal
