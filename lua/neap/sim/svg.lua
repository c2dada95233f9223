-- The result as one picture, for a README or a talk.

local chart = require "neap.sim.chart"
local describe = require "neap.sim.describe"
local format = require "neap.sim.format"
local look = require "neap.sim.look"
local pictures = require "neap.sim.pictures"

local svg = {}

local WIDTH, MARGIN, GAP = 960, 24, 28
local HALF = (WIDTH - 2 * MARGIN - GAP) / 2
local HEIGHT = 250

-- In words: what was tried.
local function caption(s)
  local parts = {}
  for _, row in ipairs(describe.rows(s)) do
    if row[1] == "requests" or row[1] == "service" then table.insert(parts, row[2]) end
    if row[1] == "backends" then table.insert(parts, describe.plural(#s.backends, "backend")) end
  end
  return table.concat(parts, " · ")
end

local function at(x, y, content)
  return ('<g transform="translate(%.1f %.1f)">\n%s</g>\n'):format(x, y, content)
end

local function columns(results)
  local rows, titles = {}, { "p50", "p90", "p99", "p99.9", "errors" }
  for i, result in ipairs(results) do
    local l = result.latency
    rows[i] = { format.seconds(l.p50), format.seconds(l.p90), format.seconds(l.p99),
      format.seconds(l.p999), format.count(result.errors) }
  end
  return titles, rows
end

-- The figures, with the legend in front of them.
local function figures(results)
  local titles, rows = columns(results)
  local out, right = {}, WIDTH - 2 * MARGIN
  for k, title in ipairs(titles) do
    table.insert(out, chart.text(right - (#titles - k) * 104, 12, "note", title, "end"))
  end
  for i, result in ipairs(results) do
    local y = 12 + i * 22
    table.insert(out, (chart.legend({ format.short(result.name, 44) }, 0, y)
      :gsub('class="c1"', ('class="%s"'):format(chart.class(i)))))
    for k, cell in ipairs(rows[i]) do
      table.insert(out, chart.text(right - (#titles - k) * 104, y, "name", cell, "end"))
    end
  end
  return table.concat(out), 24 + #results * 22
end

---@param s table  the scenario
---@param results table[]
---@return string
function svg.page(s, results)
  local half, whole = { width = HALF, height = HEIGHT },
    { width = WIDTH - 2 * MARGIN, height = HEIGHT }
  local out, y = {}, MARGIN + 12
  table.insert(out, at(MARGIN, y, chart.text(0, 4, "title", "neap sim")
    .. chart.text(88, 4, "note", caption(s))))
  local text, height = figures(results)
  table.insert(out, at(MARGIN, y + 24, text))
  y = y + 24 + height + 26
  table.insert(out, at(MARGIN, y, pictures.latency(s, results, half)))
  table.insert(out, at(MARGIN + HALF + GAP, y, pictures.backends(s, results, half)))
  y = y + HEIGHT + 22
  table.insert(out, at(MARGIN, y, pictures.over_time(s, results, whole)))
  y = y + HEIGHT + MARGIN
  return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">\n'
    .. "<style>\n%s%s</style>\n"):format(WIDTH, y, WIDTH, y, look.colours "svg", look.charts())
    .. ('<rect width="%d" height="%d" class="ground"/>\n'):format(WIDTH, y)
    .. table.concat(out) .. "</svg>\n"
end

return svg
