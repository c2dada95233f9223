-- `neap sim`: a simulation of policies, in virtual time.

local args = require "neap.sim.args"
local balancer = require "neap.sim.balancer"
local json = require "neap.sim.json"
local policies = require "neap.sim.policies"
local scenario = require "neap.sim.scenario"
local terminal = require "neap.sim.terminal"

local function flag_of(entry) return entry.is_reference and "--against" or "--policy" end

local function read_policies(o)
  local list = {}
  for i, entry in ipairs(o.policies) do
    local policy, why = policies.parse(entry.text)
    if not policy then return nil, ("%s: %s"):format(flag_of(entry), why) end
    policy.flag, policy.is_reference = flag_of(entry), entry.is_reference
    list[i] = policy
  end
  return list
end

local function hook_errors(balancers)
  local sum = { count = 0 }
  for _, one in ipairs(balancers) do
    local count, first = one:errors()
    if count > 0 and sum.count == 0 then sum.hook, sum.text = first.hook, first.text end
    sum.count = sum.count + count
  end
  return sum
end

local function simulate(s, policy)
  local balancers = {}
  local result, why = scenario.run(s, function(o)
    o.policy, o.read, o.is_safe = policy.value, policy.read, policy.is_shipped
    o.title = ("%s %s"):format(policy.flag, policy.name)
    local one, wrong = balancer.new(o)
    table.insert(balancers, one)
    return one, wrong
  end)
  if not result then return nil, ("%s: %s"):format(policy.flag, why) end
  result.name, result.hook_errors = policy.name, hook_errors(balancers)
  return result
end

local function simulate_all(s, list)
  local results, reference = {}, nil
  for i, policy in ipairs(list) do
    local result, why = simulate(s, policy)
    if not result then return nil, why end
    results[i] = result
    if policy.is_reference then reference = result end
    collectgarbage()
  end
  return results, reference
end

local function write_file(flag, path, text)
  local file, why = io.open(path, "wb")
  local ok
  if file then
    ok, why = file:write(text)
    if ok then ok, why = file:close() end
  end
  if not ok then return nil, ("--%s: cannot write %s: %s"):format(flag, path, why) end
  return true
end

local function write_all(o, s, results, reference)
  for _, flag in ipairs { "svg", "html" } do
    if o[flag] then
      local text = require("neap.sim." .. flag).page(s, results, reference)
      local ok, why = write_file(flag, o[flag], text)
      if not ok then return nil, why end
    end
  end
  local function out(text) io.write(text) end
  if o.json then json.write(s, results, out) else terminal.write(s, results, reference, out) end
  return true
end

---@param list string[]  the arguments after `neap sim`
---@return integer? status, string? why
return function(list)
  local o, why = args.parse(list)
  if not o then return nil, why end
  if o.help then
    io.write(args.help())
    return 0
  end
  local s, chosen, results, reference
  s, why = scenario.make(o)
  if not s then return nil, why end
  chosen, why = read_policies(o)
  if not chosen then return nil, why end
  s.arguments = list
  results, reference = simulate_all(s, chosen)
  if not results then return nil, reference end
  local ok
  ok, why = write_all(o, s, results, reference)
  if not ok then return nil, why end
  return 0
end
