-- Runs `start` and `every` of policies, once for each service and each pool that has one of its
-- own. `start` runs when the agent begins: workers wait for it as for `discover`. What is in
-- `every` runs for the first time when `start` has ended, and then each time its seconds have
-- passed: a run that took longer is followed by the next one at once, never joined by it.

local sorted = require "neap.sorted"

local routines = {}

routines.LIMIT = 60 -- seconds that one run may take

-- Counts how it went. (One that is left out has neither worked nor failed.)
local function note(agent, item, outcome, ...)
  local host, use = agent.host, item.use
  if item.is_left_out then return end
  if outcome == "done" then
    host.hook_ok(use, item.hook)
  elseif outcome == "error" then
    host.hook_error(use, item.hook, ...)
  else
    host.hook_error(use, item.hook, ("it has not ended after %d s"):format(routines.LIMIT))
  end
end

local function new_item(agent, use, hook, fn)
  local item = { use = use, hook = hook, limit = routines.LIMIT }
  function item.run()
    item.is_left_out = agent.host.is_tripped(use, hook)
    if item.is_left_out then return end
    agent.host.enter(use, hook)
    fn()
  end
  return item
end

-- Measured from when it was due, so that what a run takes does not add up.
local function until_next(item, now)
  return math.max(0, item.due + item.seconds - now)
end

local function begin_every(agent, use)
  local every = use.hooks.every or {}
  for _, seconds in ipairs(sorted.keys(every)) do
    local item = new_item(agent, use, "every", every[seconds])
    item.seconds = seconds
    function item.ended(_, ...)
      note(agent, item, ...)
      return until_next(item, agent.host.now())
    end
    agent.jobs:set(item, use.title, 0)
  end
end

local function begin_start(agent, use)
  local item = new_item(agent, use, "start", use.hooks.start)
  function item.ended(_, ...)
    note(agent, item, ...)
    agent.waiting = agent.waiting - 1
    begin_every(agent, use)
    return nil
  end
  agent.waiting = agent.waiting + 1
  agent.jobs:set(item, use.title, 0)
end

---@param agent table
function routines.begin(agent)
  for _, use in ipairs(agent.host.policies()) do
    if use.hooks.start then begin_start(agent, use) else begin_every(agent, use) end
  end
end

return routines
