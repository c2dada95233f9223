-- Describes a run in words.

local format = require "neap.sim.format"

local describe = {}

local function plural(n, word)
  return ("%s %s%s"):format(format.count(n), word, n == 1 and "" or "s")
end
describe.plural = plural

local function span(seconds)
  if seconds < 120 then return ("%.6g s"):format(seconds) end
  if seconds < 7200 then return ("%.4g min"):format(seconds / 60) end
  return ("%.4g h"):format(seconds / 3600)
end
describe.span = span

local function requests_of(s)
  local o = s.options
  if s.arrivals.users then
    return ("%s in a closed loop, %.6g s of thought on average"):format(
      plural(s.arrivals.users, "user"), s.arrivals.think)
  end
  if o.trace and not o.given.rate then
    local faster = o.speedup ~= 1 and (", %.6g times as fast"):format(o.speedup) or ""
    return ("those of %s%s"):format(o.trace, faster)
  end
  local rate = ("%.6g a second, %s"):format(o.rate, s.arrivals.text)
  return o.trace and ("those of %s, %s"):format(o.trace, rate) or rate
end

-- { title, text } each.
---@param s table  the scenario
---@return table[]
function describe.rows(s)
  local o, rows = s.options, {}
  local function add(title, text) table.insert(rows, { title, text }) end
  add("requests", ("%s, for %s"):format(requests_of(s), span(s.horizon)))
  add("service", s.service.text)
  add("backends", ("%s, %s at once each"):format(format.count(#s.backends),
    plural(o.concurrency, "request")))
  for _, text in ipairs(o.backend) do add("", text) end
  if o.balancers > 1 then
    add("balancers", ("%d, that do not know of each other"):format(o.balancers))
  end
  for i, event in ipairs(s.plan) do add(i == 1 and "events" or "", event.text) end
  local hedge = (o.pool or {}).hedge
  if hedge then
    add("hedges", ("after %.6g ms, of at most %s of the requests"):format(hedge.after * 1000,
      format.percent(hedge.share)))
  end
  if s.load then
    add("load", ("%s of what the backends can do"):format(format.percent(s.load)))
  end
  add("seed", ("%.0f"):format(o.seed))
  return rows
end

local function of_trace(notes, trace)
  if not trace or trace.skipped == 0 then return end
  table.insert(notes, ("%s of %s could not be used:"):format(plural(trace.skipped, "line"),
    trace.file))
  for _, example in ipairs(trace.examples) do
    table.insert(notes, ("line %d: %s: %s"):format(example.line, example.why, example.text))
  end
end

local function of_hooks(notes, result)
  local errors = result.hook_errors
  if errors.count == 0 then return end
  table.insert(notes, ("%s: %s of a hook, where the default policy decided; the first, in %s: %s")
    :format(result.name, plural(errors.count, "error"), errors.hook, errors.text))
end

-- Who moved when backends came and went, for policies that keep clients or paths: key, seen, moved,
-- and how many had to.
---@param result table
---@return string[]?
function describe.moved(result)
  local m = result.moved
  if not m then return nil end
  return { m.key .. "s", format.count(m.seen), format.percent(m.moved / m.seen),
    format.percent(m.due / m.seen) }
end

-- What a reader of the figures must know.
---@param s table
---@param results table[]
---@return string[]
function describe.notes(s, results)
  local notes = {}
  if s.load and s.load >= 1 then
    table.insert(notes, ("the requests ask for %s of what the backends can do: queues grow "
      .. "without end, and all latencies depend on the duration"):format(format.percent(s.load)))
  end
  of_trace(notes, results[1].trace)
  for _, result in ipairs(results) do
    of_hooks(notes, result)
    for _, row in ipairs(result.reasons) do
      table.insert(notes, ("%s: %s: %s"):format(result.name, plural(row.count, "error"),
        row.reason))
    end
  end
  return notes
end

return describe
