-- Requests of a recording as a spec for busted: DIR/replay_spec.lua and DIR/replay_records.lua,
-- with the state before each decision. The functions that the spec calls come first.
--
--   local fixture = require "neap.replay.fixture"
--   fixture.ask(records, id, "policy.lua") → answers, one for each step of that request

local policies = require "neap.sim.policies"
local recording = require "neap.replay.recording"
local stage = require "neap.replay.stage"
local trim = require "neap.trim"

local fixture = {}

-- ---- in the spec ----

local function find(records, id)
  for _, request in ipairs(records.requests) do
    if request.request.id == id then return request end
  end
  error(("no request '%s' was kept"):format(tostring(id)), 3)
end

-- Each request by itself, whatever was asked before.
---@param policy string  as after --policy
---@return string[]
function fixture.ask(records, id, policy)
  local request = find(records, id)
  local chosen, why = policies.parse(policy)
  local made
  if chosen then
    made, why = stage.new { recording = recording.of(records), service = request.service,
      policy = chosen.value, read = chosen.read }
  end
  if not made then error(why, 2) end
  local answers = made:ask(request)
  if made.errors.count > 0 then
    error(("hook %s: %s"):format(made.errors.hook, made.errors.text), 2)
  end
  return answers
end

-- ---- writing it ----

local function key_text(key)
  if type(key) == "number" then return "" end
  return key:find "^[%a_][%w_]*$" and key ~= "end" and key .. " = " or ("[%q] = "):format(key)
end

local function sorted_keys(value)
  local keys = {}
  for key in pairs(value) do table.insert(keys, key) end
  table.sort(keys, function(a, b)
    if type(a) ~= type(b) then return type(a) == "number" end
    return a < b
  end)
  return keys
end

-- One line per level down to `deep`, then everything on one.
local function literal(value, indent, deep)
  if type(value) == "string" then return (("%q"):format(value):gsub("\\\n", "\\n")) end
  if type(value) == "number" then return ("%.17g"):format(value) end
  if type(value) == "boolean" then return tostring(value) end
  if type(value) ~= "table" then return "nil" end -- a null of JSON
  local parts, inner = {}, indent .. "  "
  for i, key in ipairs(sorted_keys(value)) do
    parts[i] = key_text(key) .. literal(value[key], inner, deep - 1)
  end
  if deep <= 0 or #parts == 0 then return "{ " .. table.concat(parts, ", ") .. " }" end
  return "{\n" .. inner .. table.concat(parts, ",\n" .. inner) .. "\n" .. indent .. "}"
end

-- The versions of pools that these requests used.
local function pools_of(r, requests)
  local list, known = {}, {}
  for _, request in ipairs(requests) do
    for _, step in ipairs(request.steps) do
      for _, pool in ipairs(step.pools or {}) do
        local line = r:pool(request, pool.pool, pool.version)
        if not known[line] then table.insert(list, line) end
        known[line] = true
      end
    end
  end
  return list
end

local SPEC = [[
-- Recorded requests, and what the policy decides for each in the state of that moment. Made by neap
-- replay; change `expected` to what you want. Run it from the folder that the policy's path begins
-- in: busted --lua=luajit %s
package.path = %s .. package.path

local fixture = require "neap.replay.fixture"
local trim = require "neap.trim"
local records = dofile(%q)

local POLICY = %q

describe("recorded requests", function()
  for _, case in ipairs {
%s  } do
    it(case.id .. ": " .. case.request, function()
      assert.same(case.expected, fixture.ask(records, case.id, POLICY))
    end)
  end
end)
]]

local function case_of(request, answers, was)
  local q = request.request
  local text = ("    { id = %q, request = %q,\n      expected = %s },"):format(q.id,
    ("%s %s"):format(q.method or "tcp", q.path or q.client_ip), literal(answers, "", 0))
  local comment = table.concat(was, ", "):gsub("%c", "?")
  return text .. " -- was: " .. comment .. "\n"
end

local function was_of(r, request)
  local list = {}
  for i, step in ipairs(request.steps) do list[i] = stage.recorded(r, step) end
  return list
end

local function cases_of(r, records, policy)
  local parts = {}
  for _, request in ipairs(records.requests) do
    local ok, answers = pcall(fixture.ask, records, request.request.id, policy.name)
    if ok then table.insert(parts, case_of(request, answers, was_of(r, request))) end
  end
  return table.concat(parts)
end

local function write(path, text)
  local file = io.open(path, "rb")
  if file then
    file:close()
    return nil, path .. ": there already"
  end
  local ok, why
  file, why = io.open(path, "wb")
  if file then
    ok, why = file:write(text)
    local is_closed, why_not = file:close()
    if ok and not is_closed then ok, why = nil, why_not end
  end
  if not ok then return nil, ("%s: %s"):format(path, tostring(why)) end
  return true
end

-- Where the modules are that the spec needs: beside it, as `neap init` puts them, or installed.
local PATHS = '".neap/lua/?.lua;.neap/lua/?/init.lua;"'

---@param r table  the recording
---@param requests table[]
---@param policy table  of neap.sim.policies
---@param folder string
---@return boolean? ok, string? why
function fixture.write(r, requests, policy, folder)
  local prefix = trim.slashes(folder) .. "/"
  local records = { head = r.head, names = r.names, first = r.first, requests = requests,
    pools = pools_of(r, requests) }
  local spec = SPEC:format(prefix .. "replay_spec.lua", PATHS, prefix .. "replay_records.lua",
    policy.name, cases_of(r, records, policy))
  local ok, why = write(prefix .. "replay_records.lua",
    "-- What replay_spec.lua asks about.\nreturn " .. literal(records, "", 2) .. "\n")
  if not ok then return nil, why end
  return write(prefix .. "replay_spec.lua", spec)
end

return fixture
