-- Asks a policy to make all recorded decisions, and counts where it decides otherwise.

local stage = require "neap.replay.stage"

local run = {}

local ROWS_MAX = 20

-- A stage for each service; those of one policy together.
local function stages_of(recording, policy, flag)
  local known = {}
  return function(service)
    if known[service] == nil then
      local made, why, is_recording = stage.new { recording = recording, service = service,
        policy = policy.value, read = policy.read, title = flag .. " " .. policy.name }
      if not made then
        return nil, ("%s: %s"):format(is_recording and recording.path or flag, why)
      end
      known[service] = made
    end
    return known[service]
  end, known
end

local function sum_errors(known)
  local sum = { count = 0 }
  for _, one in pairs(known) do
    if sum.count == 0 then sum.hook, sum.text = one.errors.hook, one.errors.text end
    sum.count = sum.count + one.errors.count
  end
  return sum
end

local function recorded_answers(recording, request)
  local answers = {}
  for i, step in ipairs(request.steps) do answers[i] = stage.recorded(recording, step) end
  return answers
end

local function add(counts, key) counts[key] = (counts[key] or 0) + 1 end

local function compare_step(result, request, line, i, before, after)
  local step = request.steps[i]
  result.decisions = result.decisions + 1
  if step.ask ~= "failed" then
    add(result.before, before)
    add(result.after, after)
  end
  if before == after then return false end
  result.different = result.different + 1
  add(result.changes, ("%s: %s → %s"):format(step.ask, before, after))
  if #result.rows < result.rows_max then
    table.insert(result.rows, { line = line, request = request, ask = step.ask, step = i,
      before = before, after = after })
  end
  return true
end

-- A request without a decided step (the client left) shows nothing.
local function compare(result, request, line, before, after)
  local differs = false
  for i, step in ipairs(request.steps) do
    if step.verdict and compare_step(result, request, line, i, before[i], after[i]) then
      differs = true
    end
  end
  result.requests = result.requests + 1
  if #result.first < result.rows_max then table.insert(result.first, request) end
  if differs then result.requests_different = result.requests_different + 1 end
  result.first_at = result.first_at or request.steps[1].at
  result.last_at = request.steps[1].at
end

-- A request that breaks the replay itself counts as a bad line and does not end the run.
local function ask(stages, request)
  local one, why = stages(request.service)
  if not one then return nil, why, true end
  local ok, answers = pcall(one.ask, one, request)
  if not ok then return nil, (tostring(answers):match "^[^\n]*") end
  return answers
end

---@param recording table
---@param policy table  of neap.sim.policies
---@param against table?  another one; nil: what was recorded
---@param rows_max integer?
---@return table? result, string? why
function run.all(recording, policy, against, rows_max)
  local result = { requests = 0, requests_different = 0, decisions = 0, different = 0, rows = {},
    changes = {}, before = {}, after = {}, rows_max = rows_max or ROWS_MAX, first = {} }
  local stages, known = stages_of(recording, policy, "--policy")
  local others, known_others
  if against then others, known_others = stages_of(recording, against, "--against") end
  for request, line in recording:requests() do
    local after, why, is_final = ask(stages, request)
    if is_final then return nil, why end
    local before = after and recorded_answers(recording, request)
    if after and others then
      before, why, is_final = ask(others, request)
      if is_final then return nil, why end
    end
    if before then
      compare(result, request, line, before, after)
    else
      recording:note_bad(line, why)
      recording.count = recording.count - 1
    end
  end
  result.errors = sum_errors(known)
  if against then result.errors_against = sum_errors(known_others) end
  return result
end

return run
