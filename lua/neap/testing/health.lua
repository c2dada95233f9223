-- Time passes in the test kit: ejections end, `every` runs, and checks find out which backends are
-- alive, as the pool's `health` says. (Simpler than the agent: everything due at a moment is done
-- at once.)

local beside = require "neap.testing.beside"
local faults = require "neap.testing.faults"
local health_config = require "neap.config.health"
local routines = require "neap.testing.routines"
local serve = require "neap.runtime.serve"

local health = {}

local N = require("neap.ffi").numbers
local STATES = require("neap.words").states
local UP, DOWN, EJECTED = N.NEAP_STATE_UP, N.NEAP_STATE_DOWN, N.NEAP_STATE_EJECTED
local RECHECK_LATER = 2

local function object_of(balancer, slot)
  return balancer.runtime.backend(slot, balancer.world.board.rows[slot].epoch)
end

local function check(balancer, pool, slot)
  local hook = (balancer.runtime.pool_hooks[pool.name] or {}).check
  if type(hook) == "function" then
    return beside.call(balancer, "check", hook, object_of(balancer, slot))
  end
  return faults.is_alive(balancer, pool, slot)
end

local function tell(balancer, pool, slot, old, reason)
  local hook = (balancer.runtime.pool_hooks[pool.name] or {}).changed
  local new = STATES[balancer.world.board.rows[slot].state]
  if hook and new ~= old then
    beside.call(balancer, "changed", hook, object_of(balancer, slot), old, new, reason)
  end
end

-- A backend's counts since its state last changed.
local function timer_of(balancer, slot)
  balancer.timers = balancer.timers or {}
  local timer = balancer.timers[slot]
  if not timer then
    timer = { good = 0, bad = 0, checked = balancer.started }
    balancer.timers[slot] = timer
  end
  return timer
end

local function due_of(balancer, pool, slot)
  local row, timer = balancer.world.board.rows[slot], timer_of(balancer, slot)
  if row.state == EJECTED then return row.ejected_until_ms ~= 0
    and tonumber(row.ejected_until_ms) / 1000 or math.huge end
  if pool.health.type == "none" then return math.huge end
  if row.state == DOWN and row.marked_by_request == 1 then
    local since = balancer.world.board.since[slot]
    if timer.checked >= since and timer.rechecked == since then
      return timer.checked + RECHECK_LATER
    end
    return since + pool.health.recheck
  end
  return timer.checked + pool.health.interval
end

local function check_now(balancer, pool, slot)
  local world, timer = balancer.world, timer_of(balancer, slot)
  local row = world.board.rows[slot]
  local old = STATES[row.state]
  timer.checked, timer.rechecked = world.now(), world.board.since[slot]
  if row.state == EJECTED then
    world.C.neap_board_set_state(nil, slot, UP, "", 0)
    tell(balancer, pool, slot, old, nil)
    return
  end
  local is_up, reason = check(balancer, pool, slot)
  timer.good, timer.bad = is_up and timer.good + 1 or 0, is_up and 0 or timer.bad + 1
  local is_enough = is_up and timer.good >= pool.health.rise
    or not is_up and timer.bad >= pool.health.fall
  if is_enough then
    reason = reason or ""
    world.C.neap_board_checked(nil, slot, is_up and 1 or 0, reason, #reason)
    tell(balancer, pool, slot, old, reason)
  end
end

local function each(balancer, fn)
  for _, pool in ipairs(balancer.config.pools) do
    for _, slot in ipairs(balancer.slots_of[pool.name]) do fn(pool, slot) end
  end
end

-- Checks every backend now, once.
function health.check(balancer) each(balancer, function(pool, slot)
  check_now(balancer, pool, slot)
end) end

local function pool_of(balancer, slot)
  for _, pool in ipairs(balancer.config.pools) do
    for _, own in ipairs(balancer.slots_of[pool.name]) do
      if own == slot then return pool end
    end
  end
end

local function another_serves(balancer, pool, slot)
  local rows = balancer.world.board.rows
  for _, other in ipairs(balancer.slots_of[pool.name]) do
    if other ~= slot and serve.may(rows[other], false, 0) then return true end
  end
  return false
end

local function has_check(balancer, pool)
  local hooks = balancer.runtime.pool_hooks[pool.name] or {}
  return hooks.check ~= nil or pool.health.type ~= "none"
end

-- Why a suspect is to go down, if it is: see lua/neap/agent/suspects.lua.
local function verdict(balancer, pool, slot, reason)
  if has_check(balancer, pool) then
    local is_up, why = check(balancer, pool, slot)
    if not is_up then return why or "" end
  end
  local failures = balancer.world.board.suspicion(slot)
  if failures >= health_config.failures(pool.health) and another_serves(balancer, pool, slot) then
    return ("%d failures in a row: %s"):format(failures, reason)
  end
end

local function settle(balancer, slot, reason)
  local world, pool = balancer.world, pool_of(balancer, slot)
  local row = world.board.rows[slot]
  if not pool or not serve.is_live(row) then return end
  local old, why = STATES[row.state], verdict(balancer, pool, slot, reason)
  if not why then return end
  world.C.neap_board_mark_down(nil, slot, why, #why)
  tell(balancer, pool, slot, old, why)
end

-- What has become suspect is checked at once.
function health.settle(balancer)
  local suspects = balancer.world.suspects
  if not next(suspects) then return end
  balancer.world.suspects = {}
  for slot, reason in pairs(suspects) do settle(balancer, slot, reason) end
end

-- Requests of other clients that fill a backend end at some time.
local function empty(balancer, slot)
  balancer.fills[slot] = nil
  balancer.world.board.set_inflight(slot, 0)
end

---@param seconds number
function health.advance(balancer, seconds)
  health.settle(balancer)
  local clock = balancer.world.clock
  local stop = clock[0] + seconds
  while true do
    local first, act, first_pool, first_slot = math.huge, nil, nil, nil
    each(balancer, function(pool, slot)
      local due = due_of(balancer, pool, slot)
      if due < first then first, act, first_pool, first_slot = due, check_now, pool, slot end
    end)
    for slot, due in pairs(balancer.fills) do
      if due < first then
        first, first_slot = due, slot
        function act() empty(balancer, slot) end
      end
    end
    local routine = balancer.routine
    if routine and routine.due < first then first, act = routine.due, routines.run end
    if first > stop then break end
    clock[0] = math.max(clock[0], first)
    act(balancer, first_pool, first_slot)
  end
  clock[0] = math.max(clock[0], stop)
end

return health
