-- Figures as Markdown tables.
local report = {}

local function number(value, format)
  return value and (format or "%.2f"):format(value) or "–"
end

-- The lowest value of a field among the rows with these labels (and the same part or case).
function report.base(rows, labels, field, like)
  local best
  for _, row in ipairs(rows) do
    for _, label in ipairs(labels) do
      local same = not like or (row.part == like.part and row.case == like.case)
      if row.label == label and same and row[field] and row[field] < (best or math.huge) then
        best = row[field]
      end
    end
  end
  return best
end

function report.ratio(row, rows, labels, field)
  local base = report.base(rows, labels, field, row)
  return base and base > 0 and row[field] and row[field] / base or nil
end

local function table_of(head, lines)
  local rule = {}
  for i = 1, #head do rule[i] = i == 1 and "---" or "---:" end
  local out = { "| " .. table.concat(head, " | ") .. " |", "|" .. table.concat(rule, "|") .. "|" }
  for _, line in ipairs(lines) do table.insert(out, "| " .. table.concat(line, " | ") .. " |") end
  return table.concat(out, "\n") .. "\n"
end

local function rounds_of(row)
  local text = tostring(row.rounds or "")
  return (row.void or 0) > 0 and text .. " (" .. row.void .. " void)" or text
end

-- A figure that depends on how it is taken is told as such.
local function sides(...)
  local below, above = false, false
  for _, ratio in pairs { ... } do
    below, above = below or ratio < 1, above or ratio > 1
  end
  return below and above and " (depends on the method)" or ""
end

local function both_ratios(row, rows, labels)
  return report.ratio(row, rows, labels, "fixed_cpu"), report.ratio(row, rows, labels, "cpu")
end

local writers = {}

function writers.load(scenario, rows)
  local per = scenario.per == "gb" and "CPU ms/GB" or "CPU µs/request"
  local head = { "", per .. " at the same rate", "ratio", "at that rate/s", per .. ", saturated",
    "lowest–highest", "user", "system", "ratio", "user ratio", "requests/s", "CPU busy", "MiB",
    "rounds" }
  local lines = {}
  for _, row in ipairs(rows) do
    local fixed, full = both_ratios(row, rows, scenario.base)
    table.insert(lines, {
      row.label, number(row.fixed_cpu), "**" .. number(fixed) .. "**" .. sides(fixed, full),
      number(row.fixed_rate, "%.0f"),
      number(row.cpu), number(row.cpu_low) .. "–" .. number(row.cpu_high),
      number(row.user), number(row.system), "**" .. number(full) .. "**",
      number(report.ratio(row, rows, scenario.base, "user")), number(row.rate, "%.0f"),
      row.busy and number(row.busy * 100, "%.0f %%") or "–", number(row.rss_mb, "%.1f"),
      rounds_of(row),
    })
  end
  return table_of(head, lines)
end

function writers.latency(scenario, rows)
  local head = { "", "load", "requests/s", "p50 µs", "p90 µs", "p99 µs", "p99.9 µs", "p99 ratio",
    "p99.9 ratio", "CPU µs/request", "rounds" }
  local lines = {}
  for _, row in ipairs(rows) do
    table.insert(lines, {
      row.label, row.part .. " %", row.offered, number(row.p50_us, "%.0f"),
      number(row.p90_us, "%.0f"), number(row.p99_us, "%.0f"), number(row.p999_us, "%.0f"),
      "**" .. number(report.ratio(row, rows, scenario.base, "p99_us")) .. "**",
      "**" .. number(report.ratio(row, rows, scenario.base, "p999_us")) .. "**",
      number(row.cpu), rounds_of(row),
    })
  end
  return table_of(head, lines)
end

function writers.idle(scenario, rows)
  local lines = {}
  for _, row in ipairs(rows) do
    table.insert(lines, {
      row.label, number(row.bytes, "%.0f"), number(row.own, "%.0f"),
      number(row.before_mb, "%.1f"), number(row.after_mb, "%.1f"),
      "**" .. number(report.ratio(row, rows, scenario.base, "bytes")) .. "**",
    })
  end
  return table_of({ "", "bytes per connection", "without files", "MiB before", "MiB with all",
    "ratio" }, lines)
end

local function calls_text(calls)
  local names = {}
  for name, count in pairs(calls) do
    if count >= 0.005 then table.insert(names, name) end
  end
  table.sort(names, function(a, b)
    if calls[a] ~= calls[b] then return calls[a] > calls[b] end
    return a < b
  end)
  for i, name in ipairs(names) do names[i] = ("%s %.2f"):format(name, calls[name]) end
  return table.concat(names, ", ")
end

function writers.syscalls(_, rows)
  local lines = {}
  for _, row in ipairs(rows) do
    local total = 0
    for _, count in pairs(row.calls) do total = total + count end
    table.insert(lines, { row.case, row.label, number(total), calls_text(row.calls) })
  end
  return table_of({ "scenario", "", "in all", "each" }, lines)
end

function report.table(scenario, rows) return writers[scenario.kind](scenario, rows) end

function report.section(scenario, rows)
  local goal = scenario.goal and (" Goal: " .. scenario.goal .. ".") or ""
  return ("### %s: %s\n\n%s%s\n\n%s"):format(scenario.name, scenario.title, scenario.text, goal,
    report.table(scenario, rows))
end

local FIELDS = { load = "cpu", idle = "bytes", latency = "p99_us" }

-- One line a scenario: neap's ratio to the better peer beside the goal.
function report.overview(results)
  local lines = {}
  for _, result in ipairs(results) do
    local scenario, rows = result.scenario, result.rows
    local field = FIELDS[scenario.kind]
    for _, row in ipairs(rows) do
      if field and row.label == "neap" then
        local fixed = report.ratio(row, rows, scenario.base, "fixed_cpu")
        local full = report.ratio(row, rows, scenario.base, field)
        table.insert(lines, {
          scenario.name .. (row.part and " " .. row.part .. " %" or ""), scenario.title,
          number(fixed) .. sides(fixed, full), number(full), scenario.goal or "–",
        })
      end
    end
  end
  return table_of({ "scenario", "", "neap / better peer, same rate", "saturated", "goal" }, lines)
end

return report
