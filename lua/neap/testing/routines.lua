-- `start` and `every` of policies, by the virtual clock; see lua/neap/agent/routines.lua.
-- balancer.routine is the one of `every` that is due next.

local beside = require "neap.testing.beside"
local sorted = require "neap.sorted"

local routines = {}

local function each_policy(balancer, fn)
  local runtime, config = balancer.runtime, balancer.config
  for i = 0, #config.services - 1 do
    if runtime.of_services[i] then fn(runtime.of_services[i]) end
  end
  for i = 0, #config.pools - 1 do
    if runtime.of_pools[i] then fn(runtime.of_pools[i]) end
  end
end

local function find_next(balancer)
  balancer.routine = balancer.routines[1]
  for _, one in ipairs(balancer.routines) do
    if one.due < balancer.routine.due then balancer.routine = one end
  end
end

-- Runs the one that is due next.
function routines.run(balancer)
  local one, world = balancer.routine, balancer.world
  local due = one.due
  one.due = due + one.seconds
  find_next(balancer)
  beside.call(balancer, "every", one.fn)
  one.due = math.max(one.due, world.now()) -- it may have waited
  find_next(balancer)
end

-- Runs `start`, then each of `every` for the first time.
function routines.start(balancer)
  balancer.has_started, balancer.routines, balancer.routine = true, {}, nil
  local now = balancer.world.now
  each_policy(balancer, function(hooks)
    if hooks.start then beside.call(balancer, "start", hooks.start) end
    for _, seconds in ipairs(sorted.keys(hooks.every or {})) do
      table.insert(balancer.routines, { fn = hooks.every[seconds], seconds = seconds, due = now() })
    end
  end)
  find_next(balancer)
  for _ = 1, #balancer.routines do routines.run(balancer) end
end

-- As neap, which runs `start` before it serves.
function routines.ensure(balancer)
  if not balancer.has_started then routines.start(balancer) end
end

-- Runs what was due by now, each at its time.
function routines.catch_up(balancer)
  local clock = balancer.world.clock
  local now = clock[0]
  while balancer.routine and balancer.routine.due <= now do
    clock[0] = balancer.routine.due
    routines.run(balancer)
  end
  clock[0] = now
end

return routines
