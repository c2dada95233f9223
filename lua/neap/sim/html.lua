-- The result as a report: one file that needs nothing from elsewhere, in light and dark colours.

local chart = require "neap.sim.chart"
local describe = require "neap.sim.describe"
local format = require "neap.sim.format"
local look = require "neap.sim.look"
local pictures = require "neap.sim.pictures"

local html = {}

local escape = chart.escape
local WIDE, HALF = { width = 1040, height = 280 }, { width = 506, height = 280 }
local BACKENDS_MAX = 32

local STYLE = [[
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,"Segoe UI",Helvetica,Arial,sans-serif}
main{max-width:1120px;margin:0 auto;padding:32px 16px 64px}
h1{font-size:26px;margin:0 0 4px}
h2{font-size:18px;margin:40px 0 12px}
p{margin:0 0 12px;max-width:72ch}
.soft,th{color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:16px;margin:24px 0}
.card,figure{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:16px}
.card{border-top:4px solid var(--c)}
.card b{display:block;font-size:28px;line-height:1.2;font-variant-numeric:tabular-nums}
.card .rest{font-variant-numeric:tabular-nums}
figure{margin:0 0 16px;overflow-x:auto}
figure svg{display:block;width:100%;height:auto;min-width:420px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:16px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--line);font-weight:400;
white-space:nowrap}
th:first-child,td:first-child{text-align:left}
td i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:8px;
background:var(--c)}
.change{color:var(--soft);font-size:13px}
.scroll{overflow-x:auto}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 20px;margin:0}
dt{color:var(--soft)}dd{margin:0}
pre{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:12px 16px;
overflow-x:auto;font-size:13px}
li{max-width:80ch}
]]

local function colour(i) return ('style="--c:var(--%s)"'):format(chart.class(i)) end

-- An overview of all policies and their results.
local function cards(out, results, reference)
  table.insert(out, '<div class="cards">\n')
  for i, result in ipairs(results) do
    local change = reference and reference ~= result
      and format.change(result.latency.p99, reference.latency.p99)
    table.insert(out, ('<div class="card" %s><span>%s</span><b>%s</b><span class="soft">p99 of '
      .. 'latency%s</span><div class="rest soft">p50 %s · %s</div></div>\n'):format(colour(i),
      escape(result.name), format.seconds(result.latency.p99),
      change and (", %s against %s"):format(change, escape(reference.name)) or "",
      format.seconds(result.latency.p50), describe.plural(result.errors, "error")))
  end
  table.insert(out, "</div>\n")
end

local function figure(out, size, svg)
  if not svg then return end
  table.insert(out, ('<figure><svg viewBox="0 0 %d %d" role="img">\n%s</svg></figure>\n')
    :format(size.width, size.height, svg))
end

local function legend(out, results)
  local names = {}
  for i, result in ipairs(results) do names[i] = result.name end
  local svg, width = chart.legend(names, 0, 14)
  table.insert(out, ('<svg viewBox="0 0 %d 20" width="%d" height="20" role="img">%s</svg>\n')
    :format(width, width, svg))
end

local KEYS = { "p50", "p90", "p99", "p999", "mean", "max" }

local function percentile_rows(out, results, key, reference)
  for i, result in ipairs(results) do
    table.insert(out, ('<tr><td><i %s></i>%s</td>'):format(colour(i), escape(result.name)))
    for _, column in ipairs(KEYS) do
      local change = reference and reference ~= result
        and format.change(result[key][column], reference[key][column])
      table.insert(out, ("<td>%s%s</td>"):format(format.seconds(result[key][column]),
        change and (' <span class="change">%s</span>'):format(change) or ""))
    end
    table.insert(out, "</tr>\n")
  end
end

local function percentile_table(out, title, results, key, reference)
  table.insert(out, ('<div class="scroll"><table><tr><th>%s</th><th>p50</th><th>p90</th>'
    .. "<th>p99</th><th>p99.9</th><th>mean</th><th>max</th></tr>\n"):format(title))
  percentile_rows(out, results, key, reference)
  table.insert(out, "</table></div>\n")
end

local function counts_table(out, results)
  table.insert(out, '<div class="scroll"><table><tr><th>counts</th><th>requests</th><th>errors</th>'
    .. "<th>retries</th><th>imbalance</th><th>at worst</th></tr>\n")
  for i, result in ipairs(results) do
    table.insert(out, ("<tr><td><i %s></i>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%.2f</td>"
      .. "<td>%.2f</td></tr>\n"):format(colour(i), escape(result.name),
      format.count(result.requests), format.count(result.errors), format.count(result.retries),
      result.imbalance.mean, result.imbalance.max))
  end
  table.insert(out, "</table></div>\n")
end

local function moved_table(out, results)
  table.insert(out, '<br>\n<div class="scroll"><table><tr><th>moved</th><th>keys</th><th>seen</th>'
    .. "<th>moved</th><th>had to</th></tr>\n")
  for i, result in ipairs(results) do
    table.insert(out, ("<tr><td><i %s></i>%s</td>"):format(colour(i), escape(result.name)))
    for _, cell in ipairs(describe.moved(result) or { "none kept", "", "", "" }) do
      table.insert(out, ("<td>%s</td>"):format(cell))
    end
    table.insert(out, "</tr>\n")
  end
  table.insert(out, "</table></div>\n")
end

local function backends_table(out, results)
  if #results[1].backends > BACKENDS_MAX then return end
  table.insert(out, '<div class="scroll"><table><tr><th>share / in use</th>')
  for _, result in ipairs(results) do
    table.insert(out, ("<th>%s</th>"):format(escape(result.name)))
  end
  table.insert(out, "</tr>\n")
  for b, backend in ipairs(results[1].backends) do
    table.insert(out, ("<tr><td>%s</td>"):format(escape(backend.name)))
    for _, result in ipairs(results) do
      table.insert(out, ("<td>%s / %s</td>"):format(format.percent(result.backends[b].share),
        format.percent(result.backends[b].utilisation)))
    end
    table.insert(out, "</tr>\n")
  end
  table.insert(out, "</table></div>\n")
end

local function heats(out, s, results)
  local most = pictures.longest(results)
  local size = { width = HALF.width,
    height = math.max(180, math.min(80 + #results[1].backends * 15, 420)) }
  if not pictures.heat(s, results[1], 1, most, size) then return end
  table.insert(out, '<h2>Who waited where</h2>\n<div class="pair">\n')
  for i, result in ipairs(results) do
    figure(out, size, pictures.heat(s, result, i, most, size))
  end
  table.insert(out, "</div>\n")
end

local function quoted(word)
  if word:find "^[%w@%%+=:,./_-]+$" then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function command(s)
  local words = { "neap sim" }
  for _, word in ipairs(s.arguments or {}) do table.insert(words, quoted(word)) end
  return table.concat(words, " ")
end

local function setting(out, s)
  table.insert(out, "<h2>What was simulated</h2>\n<dl>\n")
  for _, row in ipairs(describe.rows(s)) do
    table.insert(out, ("<dt>%s</dt><dd>%s</dd>\n"):format(escape(row[1]), escape(row[2])))
  end
  table.insert(out, ("</dl>\n<h2>The same once more</h2>\n<pre>%s</pre>\n")
    :format(escape(command(s))))
end

local function notes(out, s, results)
  local list = describe.notes(s, results)
  if #list == 0 then return end
  table.insert(out, "<h2>Notes</h2>\n<ul>\n")
  for _, note in ipairs(list) do
    table.insert(out, ("<li>%s</li>\n"):format(escape(note)))
  end
  table.insert(out, "</ul>\n")
end

local function charts(out, s, results)
  legend(out, results)
  table.insert(out, '<div class="pair">\n')
  figure(out, HALF, pictures.latency(s, results, HALF))
  figure(out, HALF, pictures.backends(s, results, HALF))
  table.insert(out, "</div>\n")
  figure(out, WIDE, pictures.over_time(s, results, WIDE))
  figure(out, WIDE, pictures.errors(s, results, WIDE))
  table.insert(out, '<div class="pair">\n')
  figure(out, HALF, pictures.imbalance(s, results, HALF))
  figure(out, HALF, pictures.queues(s, results, HALF))
  table.insert(out, "</div>\n")
end

local function title_of(results)
  local names = {}
  for i, result in ipairs(results) do names[i] = result.name end
  return table.concat(names, ", ")
end

---@param s table  the scenario
---@param results table[]
---@param reference table?
---@return string
function html.page(s, results, reference)
  local out = {}
  table.insert(out, '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    .. '<meta name="viewport" content="width=device-width">\n'
    .. '<meta name="color-scheme" content="light dark">\n')
  table.insert(out, ("<title>neap sim: %s</title>\n<style>\n%s%s%s</style>\n</head>\n<body>\n"
    .. "<main>\n"):format(escape(title_of(results)), look.colours ":root", look.charts(), STYLE))
  table.insert(out, ("<h1>%s</h1>\n"):format(#results == 1 and escape(results[1].name)
    or "Policies side by side"))
  table.insert(out, '<p class="soft">A simulation by <b>neap sim</b>. All policies met the same '
    .. "requests. Point at a chart to read its values.</p>\n")
  cards(out, results, reference)
  charts(out, s, results)
  percentile_table(out, "latency", results, "latency", reference)
  table.insert(out, "<br>\n")
  percentile_table(out, "queueing", results, "queueing")
  table.insert(out, "<br>\n")
  counts_table(out, results)
  if s.plan.moves then moved_table(out, results) end
  heats(out, s, results)
  if #results[1].backends <= BACKENDS_MAX then table.insert(out, "<h2>Backends</h2>\n") end
  backends_table(out, results)
  notes(out, s, results)
  setting(out, s)
  table.insert(out, "</main>\n</body>\n</html>\n")
  return table.concat(out)
end

return html
