-- The result as JSON, with its keys in a fixed order, so that equal runs give equal bytes.

local describe = require "neap.sim.describe"
local quoted = require("neap.admin.json").quote

local json = {}

local write

-- A list of { key, value } pairs is an object.
local function write_object(out, pairs_list, indent)
  local inner = indent .. "  "
  out("{\n")
  for i, pair in ipairs(pairs_list) do
    out(inner .. quoted(pair[1]) .. ": ")
    write(out, pair[2], inner)
    out(i < #pairs_list and ",\n" or "\n")
  end
  out(indent .. "}")
end

local function is_flat(list)
  return type(list[1]) ~= "table"
end

local function write_list(out, list, indent)
  if #list == 0 then return out "[]" end
  local inner, flat = indent .. "  ", is_flat(list)
  out(flat and "[" or "[\n" .. inner)
  for i, value in ipairs(list) do
    if i > 1 then out(flat and ", " or ",\n" .. inner) end
    write(out, value, inner)
  end
  out(flat and "]" or "\n" .. indent .. "]")
end

function write(out, value, indent)
  local kind = type(value)
  if kind == "number" then
    out(value % 1 == 0 and ("%.0f"):format(value) or ("%.9g"):format(value))
  elseif kind == "string" then
    out(quoted(value))
  elseif kind == "boolean" then
    out(tostring(value))
  elseif value == nil then
    out "null"
  elseif value.object then
    write_object(out, value.object, indent)
  elseif value.line then
    local parts = {}
    local function add(text) table.insert(parts, text) end
    write_object(add, value.line, "")
    out((table.concat(parts):gsub("\n%s*", " ")))
  else
    write_list(out, value, indent)
  end
end

-- Any value: { object = { { key, value }, … } }, { line = … } (on one line), a list, a plain one.
---@param out fun(text: string)
function json.value(value, out)
  write(out, value, "")
  out "\n"
end

local function percentiles(p)
  return { line = { { "p50", p.p50 }, { "p90", p.p90 }, { "p99", p.p99 }, { "p999", p.p999 },
    { "mean", p.mean }, { "max", p.max } } }
end

local function backends_of(result)
  local list = {}
  for b, backend in ipairs(result.backends) do
    list[b] = { line = { { "name", backend.name }, { "share", backend.share },
      { "count", backend.count }, { "utilisation", backend.utilisation },
      { "longest_queue", backend.queue }, { "failures", backend.failures } } }
  end
  return list
end

local function reasons_of(result)
  local list = {}
  for i, row in ipairs(result.reasons) do
    list[i] = { line = { { "reason", row.reason }, { "count", row.count } } }
  end
  return list
end

local function timeline_of(result)
  local t, imbalance = result.timeline, {}
  for i, value in ipairs(t.imbalance) do imbalance[i] = value or 0 end
  return { object = {
    { "interval", result.interval }, { "requests", t.requests }, { "errors", t.errors },
    { "p50", t.p50 }, { "p99", t.p99 }, { "imbalance", imbalance }, { "longest_queue", t.queue },
  } }
end

local function moved_of(moved)
  return moved and { line = { { "key", moved.key }, { "seen", moved.seen },
    { "moved", moved.moved / moved.seen }, { "due", moved.due / moved.seen } } }
end

-- `moved` only where backends come and go; null: the policy keeps neither clients nor paths.
local function policy_of(s, result)
  local object = {
    { "name", result.name }, { "requests", result.requests },
    { "latency", percentiles(result.latency) }, { "queueing", percentiles(result.queueing) },
    { "backends", backends_of(result) },
    { "imbalance", { line = { { "mean", result.imbalance.mean },
      { "max", result.imbalance.max } } } },
    { "errors", result.errors }, { "reasons", reasons_of(result) },
    { "retries", result.retries },
    { "hedges", result.hedges }, { "hedges_won", result.hedges_won },
    { "hook_errors", result.hook_errors.count }, { "timeline", timeline_of(result) },
  }
  if s.plan.moves then table.insert(object, { "moved", moved_of(result.moved) }) end
  return { object = object }
end

local function trace_of(trace)
  if not trace then return nil end
  local examples = {}
  for i, example in ipairs(trace.examples) do
    examples[i] = { line = { { "line", example.line }, { "why", example.why },
      { "text", example.text } } }
  end
  return { object = { { "file", trace.file }, { "requests", trace.requests },
    { "skipped", trace.skipped }, { "examples", examples } } }
end

local function scenario_of(s, results)
  local o, events = s.options, {}
  for i, event in ipairs(s.plan) do events[i] = event.text end
  local object = {
    { "duration", s.horizon }, { "arrivals", o.trace and not o.given.rate and "trace"
      or s.arrivals.text },
    { "service", s.service.text }, { "backends", #s.backends }, { "concurrency", o.concurrency },
    { "balancers", o.balancers }, { "events", events }, { "seed", o.seed },
  }
  if not s.arrivals.users and (not o.trace or o.given.rate) then
    table.insert(object, 3, { "rate", o.rate })
  end
  if s.load then table.insert(object, { "load", s.load }) end
  if o.trace then table.insert(object, { "trace", trace_of(results[1].trace) }) end
  return { object = object }
end

---@param s table  the scenario
---@param results table[]
---@param out fun(text: string)
function json.write(s, results, out)
  local policies = {}
  for i, result in ipairs(results) do policies[i] = policy_of(s, result) end
  write(out, { object = { { "scenario", scenario_of(s, results) }, { "policies", policies },
    { "notes", describe.notes(s, results) } } }, "")
  out "\n"
end

return json
