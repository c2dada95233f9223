-- `neap replay`: recorded traffic, asked again of another policy.

local fixture = require "neap.replay.fixture"
local native = require "neap.native"
local policies = require "neap.sim.policies"
local recording = require "neap.replay.recording"
local report = require "neap.replay.report"
local run = require "neap.replay.run"
local show = require "neap.config.show"

local ROWS_MAX = 1000

local HELP = [[
usage: neap replay FILE --policy FILE|NAME [FLAG]...

Asks a policy about every decision that neap record has kept, in the state that it met then, and
shows where it decides otherwise.

  --policy FILE|NAME   a policy's file, or the name of a shipped one, with its options if need be
                       ('hash key=ip')
  --against FILE|NAME  compare with this policy, not with what was recorded
  --rows N             differences shown, at most 1000 (20)
  --fixture DIR        write them (without any: the first requests) as a spec for busted into DIR
  --json               print JSON
  --help               print this
]]

local VALUES = { policy = "FILE|NAME", against = "FILE|NAME", rows = "N", fixture = "DIR" }

local function set(o, name, value)
  if o[name] then return ("--%s: it was given twice"):format(name) end
  if value == "" then return ("--%s: %s is missing"):format(name, VALUES[name]) end
  if name ~= "rows" then
    o[name] = value
    return nil
  end
  local n = value:find "^%d+$" and tonumber(value)
  if not n or n < 1 or n > ROWS_MAX then
    return ("--rows: '%s' is wrong (expected a whole number from 1 to %d)"):format(show.text(value),
      ROWS_MAX)
  end
  o.rows = n
end

-- What a word is, and how many words were read.
local function read_word(o, list, i)
  local word = list[i]
  local name, value = word:match "^%-%-(%w+)=(.*)$"
  name = name or word:match "^%-%-(%w+)$"
  if word == "-h" or name == "help" then
    o.help = true
  elseif word == "--json" then
    o.json = true
  elseif name and VALUES[name] then
    if value then return set(o, name, value), 1 end
    if not list[i + 1] then return ("--%s: %s is missing"):format(name, VALUES[name]) end
    return set(o, name, list[i + 1]), 2
  elseif word:sub(1, 1) == "-" then
    return ("unknown flag '%s': neap replay --help lists all"):format(show.text(word))
  elseif o.file then
    return ("'%s' is too much: one recording is expected"):format(show.text(word))
  else
    o.file = word
  end
  return nil, 1
end

local function parse(list)
  local o, i = {}, 1
  while i <= #list do
    local why, read = read_word(o, list, i)
    if why then return nil, why end
    i = i + read
  end
  if o.help then return o end
  if not o.file then return nil, "which recording? neap replay FILE --policy FILE" end
  if not o.policy then return nil, "which policy? neap replay FILE --policy FILE" end
  return o
end

local function read_policy(o, flag)
  if not o[flag] then return nil end
  local policy, why = policies.parse(o[flag])
  if not policy then return nil, ("--%s: %s"):format(flag, why) end
  return policy
end

-- Those that differ, each once; or else the first ones.
local function chosen(result)
  if #result.rows == 0 then return result.first end
  local list, known = {}, {}
  for _, row in ipairs(result.rows) do
    if not known[row.request] then table.insert(list, row.request) end
    known[row.request] = true
  end
  return list
end

local function write_fixture(o, r, result, policy)
  local ok, why = native.make_folder(o.fixture)
  if ok then ok, why = fixture.write(r, chosen(result), policy, o.fixture) end
  if not ok then return nil, "--fixture: " .. why end
  return true
end

local function write_report(o, r, result, names)
  local parts = {}
  local function out(text) table.insert(parts, text) end
  if o.json then report.json(r, result, names, out) else report.text(r, result, names, out) end
  io.write(table.concat(parts))
end

local function replay(o)
  local policy, against, why, r, result
  policy, why = read_policy(o, "policy")
  if why then return nil, why end
  against, why = read_policy(o, "against")
  if why then return nil, why end
  r, why = recording.open(o.file)
  if not r then return nil, why end
  result, why = run.all(r, policy, against, o.rows)
  if not result then return nil, why end
  if result.requests == 0 then
    return nil, ("%s: no request in it can be replayed%s"):format(o.file, r.bad.line
      and (" (line %d: %s)"):format(r.bad.line, show.text(r.bad.why)) or "")
  end
  local ok = true
  if o.fixture then ok, why = write_fixture(o, r, result, policy) end
  if not ok then return nil, why end
  write_report(o, r, result, { against and against.name or "recorded", policy.name })
  return 0
end

---@param list string[]  the arguments after `neap replay`
---@return integer? status, string? why
return function(list)
  local o, why = parse(list)
  if not o then return nil, "replay: " .. why end
  if o.help then
    io.write(HELP)
    return 0
  end
  local status
  status, why = replay(o)
  if not status then return nil, "replay: " .. why end
  return status
end
