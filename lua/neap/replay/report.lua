-- What a replay found, as text for a terminal or as JSON in a fixed order.

local describe = require "neap.config.show"
local json = require "neap.sim.json"
local sorted = require "neap.sorted"

local report = {}

local CHANGES_MAX = 10

local function percent(part, of) return of == 0 and 0 or part / of * 100 end

local function plural(n, word) return ("%d %s%s"):format(n, word, n == 1 and "" or "s") end

-- ---- both forms ----

local function names_of(result)
  local names, known = {}, {}
  for _, counts in ipairs { result.before, result.after } do
    for name in pairs(counts) do
      if not known[name] then table.insert(names, name) end
      known[name] = true
    end
  end
  table.sort(names)
  return names
end

local function total_of(counts)
  local total = 0
  for _, n in pairs(counts) do total = total + n end
  return total
end

local function target_of(request)
  local q = request.request
  if not q.method then return "a connection" end
  return ("%s %s%s"):format(q.method, q.path or "?", q.query and "?" .. q.query or "")
end

-- ---- text ----

local function cut(text, width)
  text = describe.text(text)
  if #text <= width then return text end
  return text:sub(1, width - 3) .. "..."
end

local function write_rows(out, result, names)
  if #result.rows == 0 then return end
  out(("\n%-8s %-9s %-36s %-7s %-20s %s\n"):format("line", "after", "request", "asked", names[1],
    names[2]))
  for _, row in ipairs(result.rows) do
    out(("%-8d %8.3fs %-36s %-7s %-20s %s\n"):format(row.line,
      row.request.steps[1].at - result.first_at, cut(target_of(row.request), 36), row.ask,
      cut(row.before, 20), cut(row.after, 40)))
  end
  if result.different > #result.rows then
    out(("... and %d more\n"):format(result.different - #result.rows))
  end
end

local function write_shares(out, result, names)
  local before, after = total_of(result.before), total_of(result.after)
  out(("\n%-36s %12s %12s\n"):format("share of the picks", names[1], names[2]))
  for _, name in ipairs(names_of(result)) do
    out(("%-36s %10.1f %% %10.1f %%\n"):format(cut(name, 36),
      percent(result.before[name] or 0, before), percent(result.after[name] or 0, after)))
  end
end

local function write_changes(out, result)
  local list = sorted.counts(result.changes, "text")
  if #list == 0 then return end
  out "\nchanges\n"
  for i = 1, math.min(#list, CHANGES_MAX) do
    out(("%7d  %s\n"):format(list[i].count, describe.text(list[i].text)))
  end
  if #list > CHANGES_MAX then out(("... and %d more kinds\n"):format(#list - CHANGES_MAX)) end
end

local function write_errors(out, errors, name)
  if not errors or errors.count == 0 then return end
  out(("\n%s: %s of hooks; the first, in %s: %s\n"):format(name, plural(errors.count, "error"),
    errors.hook or "?", errors.text))
end

local function write_notes(out, recording)
  local bad, finish = recording.bad, recording.finish
  if bad.count > 0 then
    out(("\n%s of no use; the first is line %d: %s\n"):format(plural(bad.count, "line"), bad.line,
      describe.text(bad.why)))
  end
  if not finish then
    out "\nThe recording broke off: its last line is missing.\n"
  elseif (finish.lost or 0) > 0 then
    out(("\n%s not recorded, for want of room.\n"):format(plural(finish.lost, "request")))
  end
  local redacted = recording.head.redacted or {}
  if #redacted > 0 then
    out(("\nHidden in the recording (policies that read them see other values): %s\n")
      :format(table.concat(redacted, ", ")))
  end
end

---@param names string[]  of what is compared: before, after
function report.text(recording, result, names, out)
  out(("%s: %s, %s in %.1f s\n"):format(recording.path, plural(result.requests, "request"),
    plural(result.decisions, "decision"), result.last_at - result.first_at))
  if result.different == 0 then
    out(("%s decides the same as %s.\n"):format(names[2], names[1]))
  else
    out(("%s decides otherwise than %s in %d of %s (%.1f %%), of %s.\n"):format(names[2],
      names[1], result.different, plural(result.decisions, "decision"),
      percent(result.different, result.decisions), plural(result.requests_different, "request")))
  end
  write_rows(out, result, names)
  write_changes(out, result)
  write_shares(out, result, names)
  write_errors(out, result.errors, names[2])
  write_errors(out, result.errors_against, names[1])
  write_notes(out, recording)
end

-- ---- JSON ----

local function row_of(row, first_at)
  local q = row.request.request
  return { line = { { "line", row.line }, { "id", q.id or "" },
    { "after", row.request.steps[1].at - first_at }, { "request", target_of(row.request) },
    { "client_ip", q.client_ip or "" }, { "asked", row.ask }, { "before", row.before },
    { "now", row.after } } }
end

local function shares_of(result)
  local list = {}
  local before, after = total_of(result.before), total_of(result.after)
  for i, name in ipairs(names_of(result)) do
    list[i] = { line = { { "answer", name }, { "before", percent(result.before[name] or 0,
      before) / 100 }, { "now", percent(result.after[name] or 0, after) / 100 } } }
  end
  return list
end

local function errors_of(errors)
  local list = { { "count", errors.count } }
  if errors.count > 0 then
    table.insert(list, { "hook", errors.hook or "?" })
    table.insert(list, { "first", errors.text })
  end
  return { object = list }
end

local function bad_of(bad)
  local list = { { "count", bad.count } }
  if bad.count > 0 then
    table.insert(list, { "line", bad.line })
    table.insert(list, { "why", bad.why })
  end
  return { object = list }
end

function report.json(recording, result, names, out)
  local rows = {}
  for i, row in ipairs(result.rows) do rows[i] = row_of(row, result.first_at) end
  json.value({ object = { { "recording", recording.path }, { "before", names[1] },
    { "now", names[2] }, { "requests", result.requests }, { "decisions", result.decisions },
    { "different", result.different }, { "requests_different", result.requests_different },
    { "shares", shares_of(result) }, { "rows", rows }, { "errors", errors_of(result.errors) },
    { "bad_lines", bad_of(recording.bad) },
    { "lost", recording.finish and recording.finish.lost or 0 },
    { "is_whole", recording.finish ~= nil } } }, out)
end

return report
