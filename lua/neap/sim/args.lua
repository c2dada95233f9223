-- The flags of `neap sim`. Each has one row; the help is made of them.

local arrivals = require "neap.sim.arrivals"
local distribution = require "neap.sim.distribution"
local nearest = require "neap.config.nearest"
local plan = require "neap.sim.plan"
local pool = require "neap.sim.pool"
local show = require "neap.config.show"
local values = require "neap.sim.values"

local args = {}

local function positive(what)
  return function(text)
    local value = what(text)
    if value and value > 0 and value < math.huge then return value end
    return nil, what == values.seconds and "a time above 0, like 60 or 5m" or "a number above 0"
  end
end

local function at_least_zero(what)
  return function(text)
    local value = what(text)
    if value and value >= 0 then return value end
    return nil, what == values.seconds and "a time of 0 or more" or "a number of 0 or more"
  end
end

local function integer(least, most)
  return function(text) return values.integer(text, least, most) end
end

local function text(value)
  if value ~= "" then return value end
  return nil, "a text that is not empty"
end

-- The parser of a kind says itself what is wrong.
local function kind(parse)
  return function(value)
    local result, why = parse(value)
    return result, nil, why
  end
end

local ROWS = {
  { "What is compared" },
  { "policy", "FILE|NAME", text, list = true,
    help = "a policy's file, or the name of a shipped one, with its options if need be "
      .. "('hash key=ip'); may be repeated (round_robin)" },
  { "against", "FILE|NAME", text, list = true,
    help = "another policy; the others are shown in relation to it" },
  { "Requests" },
  { "rate", "R", positive(values.number), default = 100, help = "requests per second (100)" },
  { "duration", "S", positive(values.seconds),
    help = "how long requests come: 60, 5m, 2h (60s, or all of the trace)" },
  { "arrivals", "KIND", kind(arrivals.parse), default = "poisson",
    help = arrivals.forms() .. " (poisson)" },
  { "clients", "N", integer(1, 1e6), default = 10000, help = "different client addresses (10000)" },
  { "paths", "N", integer(1, 1e6), default = 1000, help = "different paths (1000)" },
  { "zipf", "S", at_least_zero(values.number), default = 1,
    help = "how unequally paths are asked for: the k-th one 1/k^S as often as the first (1)" },
  { "trace", "FILE", text,
    help = "requests of an access log: the combined format, or JSON, a line each" },
  { "speedup", "F", positive(values.number), default = 1,
    help = "plays a trace F times as fast (1)" },
  { "Backends" },
  { "backends", "N", integer(1, 10000), default = 4, help = "how many, called b1 to bN (4)" },
  { "backend", "TEXT", text, list = true,
    help = "keys of some: 'b1-b3 speed=0.5 weight=2 concurrency=8 slots=10 tier=1 zone=a'" },
  { "pool", "TEXT", pool.parse,
    help = "keys of their pool, as in a config: 'slow_start=10s panic=0.5 hedge.after=50ms'" },
  { "service", "KIND", kind(distribution.parse),
    help = "how long they take for a request: " .. distribution.forms()
      .. " (exponential:30ms, of a trace log)" },
  { "concurrency", "C", integer(1, 1e6), default = 1,
    help = "requests that a backend serves at once, first come first served (1)" },
  { "event", "TEXT", text, list = true,
    help = "'30s b2 down': TIME, BACKEND (b2, b1-b3, all) and one of " .. plan.forms() },
  { "Balancers" },
  { "balancers", "N", integer(1, 1000), default = 1,
    help = "how many; they do not know of each other (1)" },
  { "timeout", "S", positive(values.seconds), default = 60,
    help = "how long they wait for an answer (60)" },
  { "health", "S", positive(values.seconds), default = 60,
    help = "how often they check each backend (60)" },
  { "The run" },
  { "seed", "K", integer(0, 2 ^ 53), default = 1, help = "the same seed, the same bytes (1)" },
  { "warmup", "S", at_least_zero(values.seconds), default = 0,
    help = "requests before that time are not counted (0)" },
  { "json", nil, help = "print JSON" },
  { "html", "FILE", text, help = "write a report: one file, with pictures" },
  { "svg", "FILE", text, help = "write a picture" },
  { "help", nil, help = "print this" },
}

local by_name, names = {}, {}
for _, row in ipairs(ROWS) do
  if #row > 1 or row.help then
    by_name[row[1]] = row
    table.insert(names, row[1])
  end
end

local function unknown(word)
  local near = nearest.find((word:gsub("^%-+", "")), names)
  if near then return ("unknown flag '%s': did you mean --%s?"):format(show.text(word), near) end
  return ("unknown flag '%s': neap sim --help lists all"):format(show.text(word))
end

local function set(o, row, value)
  local result, expected, why = row[3](value)
  if result == nil then
    return why and ("--%s: %s"):format(row[1], why)
      or ("--%s: '%s' is wrong (expected %s)"):format(row[1], show.text(value), expected)
  end
  if row.list then
    table.insert(o[row[1]], result)
  elseif o.given[row[1]] then
    return ("--%s: it was given twice"):format(row[1])
  else
    o[row[1]] = result
  end
  o.given[row[1]] = true
  if row[1] == "policy" or row[1] == "against" then
    table.insert(o.policies, { text = value, is_reference = row[1] == "against" })
  end
end

local function defaults()
  local o = { given = {}, policies = {} }
  for _, name in ipairs(names) do
    if by_name[name].list then o[name] = {} end
  end
  return o
end

local function fill_defaults(o)
  for _, name in ipairs(names) do
    local row = by_name[name]
    local value = row.default
    if o[name] == nil and value ~= nil then
      if type(value) == "string" then value = assert(row[3](value)) end
      o[name] = value
    end
  end
  local is_alone = #o.policy == 0
  if is_alone then table.insert(o.policies, 1, { text = "round_robin" }) end
end

-- Flags that exclude each other are refused, not ignored.
local function check_trace(o, given)
  if o.arrivals.users then
    return "--arrivals: a closed loop makes requests of its own, which a --trace has already"
  end
  if given.arrivals and not given.rate then
    return "--arrivals: the trace says when requests come, unless there is a --rate too"
  end
  for _, name in ipairs { "clients", "paths", "zipf" } do
    if given[name] then
      return ("--%s: the trace says which clients and paths there are"):format(name)
    end
  end
end

local function check_together(o)
  local given = o.given
  local why = given.trace and check_trace(o, given)
  if why then return why end
  if o.arrivals.users and given.rate then
    return "--rate: in a closed loop the users make the rate; give one or the other"
  end
  if given.speedup and (given.rate or not given.trace) then
    return "--speedup: it goes with a --trace, without --rate"
  end
  if o.service and o.service.from_log and not given.trace then
    return "--service: 'log' takes the times of a --trace, and there is none"
  end
  if #o.against > 1 then return "--against: it was given twice" end
end

---@param list string[]
---@return table? options, string? why
function args.parse(list)
  local o, i = defaults(), 1
  while i <= #list do
    local word = list[i]
    local name, value = word:match "^%-%-([%w%-]+)=(.*)$"
    name = name or word:match "^%-%-([%w%-]+)$" or (word == "-h" and "help")
    local row = name and by_name[name]
    if not row then return nil, unknown(word) end
    if not row[2] then
      if value then return nil, ("--%s takes no value"):format(name) end
      o[name] = true
    else
      if not value then
        i = i + 1
        value = list[i]
      end
      if not value then return nil, ("--%s: %s is missing"):format(name, row[2]) end
      local why = set(o, row, value)
      if why then return nil, why end
    end
    i = i + 1
  end
  fill_defaults(o)
  local why = not o.help and check_together(o)
  if why then return nil, why end
  return o
end

local HEAD = [[
usage: neap sim [--policy FILE|NAME]... [FLAG]...

Tries policies in a simulation: the very files that would serve traffic, with a clock that jumps
and seeded dice. All policies meet the same requests.

]]

local TAIL = [[

  neap sim --policy least_connections --against round_robin --service lognormal:20ms,1.5
  neap sim --backends 10 --rate 250 --event '20s b2 down' --event '40s b2 up' --html report.html
  neap sim --trace access.log --policy ./mine.lua --json
]]

local WIDTH, INDENT = 96, 26

-- Breaks a text into lines after the column of names.
local function wrapped(name, help)
  local lines, line = {}, ("  %-" .. INDENT - 2 .. "s"):format(name)
  local is_empty = #name < INDENT - 3
  if not is_empty then
    table.insert(lines, line)
    line, is_empty = (" "):rep(INDENT), true
  end
  for word in help:gmatch "%S+" do
    if not is_empty and #line + 1 + #word > WIDTH then
      table.insert(lines, line)
      line, is_empty = (" "):rep(INDENT), true
    end
    line = is_empty and line .. word or line .. " " .. word
    is_empty = false
  end
  table.insert(lines, line)
  return table.concat(lines, "\n") .. "\n"
end

---@return string
function args.help()
  local out = { HEAD }
  for _, row in ipairs(ROWS) do
    if row.help then
      table.insert(out, wrapped("--" .. row[1] .. (row[2] and " " .. row[2] or ""), row.help))
    else
      table.insert(out, (#out > 1 and "\n" or "") .. row[1] .. ":\n")
    end
  end
  table.insert(out, TAIL)
  return table.concat(out)
end

-- The same as Markdown, from which tools/gen-docs makes the manual page.
---@return string
function args.manual()
  local out = { "Tries policies in a simulation: the very files that would serve traffic, with a "
    .. "clock that jumps and seeded dice. All policies meet the same requests. "
    .. "docs/simulate.md says what is simulated.\n\n" }
  for _, row in ipairs(ROWS) do
    if row.help then
      table.insert(out, ("| `--%s%s` | %s |\n"):format(row[1], row[2] and " " .. row[2]:gsub("|",
        " or ") or "", (row.help:gsub("|", "\\|"))))
    else
      table.insert(out, ("\n## %s\n\n| flag | meaning |\n|---|---|\n"):format(row[1]))
    end
  end
  table.insert(out, "\n## Examples\n\n```sh\n" .. TAIL:gsub("^\n", ""):gsub("  neap", "neap")
    .. "```\n")
  return table.concat(out)
end

return args
