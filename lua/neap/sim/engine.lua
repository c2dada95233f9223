-- The simulation: requests come from a source, a balancer sends each to a backend, and a backend
-- serves a number of them at once, first come first served. Time jumps from one event to the next.
--
-- A source has next(self, now) → when the next request comes (infinite: never), and take(self,
-- record) → seconds of work, which fills in what policies see of it. A balancer is that of
-- balancer.lua.

local heap = require "neap.sim.heap"
local jobs = require "neap.sim.jobs"

local huge, min = math.huge, math.min
local FREE, HELD, QUEUED, RUNNING = jobs.FREE, jobs.HELD, jobs.QUEUED, jobs.RUNNING
local ABANDONED, GONE = jobs.ABANDONED, jobs.GONE

-- Kinds of events.
local FINISH, USER, PLAN, CHECK, RECHECK, RETURN, GIVE_UP, LOOK = 0, 1, 2, 3, 4, 5, 6, 7
local HEDGE = 8
local KINDS = 9

-- The first new check of a backend that a request marked down, and the next ones, as in the agent.
local RECHECK_FIRST, RECHECK_NEXT = 1, 2
local LOOK_AFTER = 0.1 -- until a suspect is checked

local engine = {}

local Sim = {}
Sim.__index = Sim

local function push(self, time, kind, number)
  self.events:push(time, number * KINDS + kind)
end

---@param o table  clock, backends, balancers, source, stats, plan, random (streams), timeout,
---  health, queue, closed, horizon, hedge (after, draw(random) → seconds of its work, or nil: as
---  much as its request's; budgets, by balancer), moves (moves.lua; nil: nobody wants to know)
function engine.new(o)
  local self = setmetatable({
    clock = o.clock, moved = o.moves,
    source = o.source, stats = o.stats, plan = o.plan, balancers = o.balancers,
    balancers_n = #o.balancers, random = o.random, timeout = o.timeout or huge,
    health = o.health or huge, queue = o.queue, hedge = o.hedge, closed = o.closed,
    horizon = o.horizon, now = 0, next_arrival = huge, events = heap.new(), jobs = jobs.new(),
    first_sent = 0, last_sent = 0, -- of the list by time
    n = #o.backends, speed = {}, slow = {}, places = {}, alive = {}, failing = {},
    busy = {}, head = {}, tail = {}, queued = {}, held = {}, listed = {}, suspects = {},
    is_out = {}, touched = {}, is_touched = {},
  }, Sim)
  for b, backend in ipairs(o.backends) do
    self.speed[b], self.slow[b], self.places[b] = backend.speed or 1, 1, backend.concurrency or 1
    self.alive[b], self.failing[b], self.busy[b] = true, 0, 0
    self.head[b], self.tail[b], self.queued[b] = 0, 0, 0
  end
  for i = 1, self.balancers_n do self.held[i] = { first = 1, last = 0 } end
  return self
end

-- Requests that were sent, by time: the first one is the first to time out.
local function enlist(self, j)
  local last, all = self.last_sent, self.jobs
  all.sooner[j], all.later[j] = last, 0
  if last == 0 then self.first_sent = j else all.later[last] = j end
  self.last_sent = j
end

local function delist(self, j)
  local all = self.jobs
  local before, behind = all.sooner[j], all.later[j]
  if before == 0 then self.first_sent = behind else all.later[before] = behind end
  if behind == 0 then self.last_sent = before else all.sooner[behind] = before end
end

local function start(self, b, j)
  local all, now = self.jobs, self.now
  all.state[j], all.began[j] = RUNNING, now
  all.waited[j] = all.waited[j] + (now - all.sent[j])
  self.busy[b] = self.busy[b] + 1
  push(self, now + all.demand[j] * self.slow[b] / self.speed[b], FINISH, j)
end

local function enqueue(self, b, j)
  local all, tail = self.jobs, self.tail[b]
  all.state[j], all.next[j] = QUEUED, 0
  if tail == 0 then self.head[b] = j else all.next[tail] = j end
  self.tail[b] = j
  self.queued[b] = self.queued[b] + 1
  self.stats:queued(b, self.queued[b])
end

-- The next request that somebody still waits for; 0: none.
local function dequeue(self, b)
  local all = self.jobs
  while true do
    local j = self.head[b]
    if j == 0 then return 0 end
    self.head[b] = all.next[j]
    if all.next[j] == 0 then self.tail[b] = 0 end
    self.queued[b] = self.queued[b] - 1
    if all.state[j] ~= GONE then return j end
    all:release(j)
  end
end

-- A request has ended: its user thinks, then sends the next one.
local function leave(self, user)
  if user ~= 0 and self.closed then
    local pause = -self.closed.think * math.log(1 - self.random.think())
    if self.now + pause < self.horizon then push(self, self.now + pause, USER, user) end
  end
end

local function fail(self, j, reason)
  local all, user = self.jobs, self.jobs.user[j]
  self.stats:failed(all.arrived[j], reason)
  self.balancers[all.balancer[j]]:ended(all.record[j], nil, self.now - all.arrived[j], reason)
  all:release(j)
  leave(self, user)
end

local function hold(self, j)
  local held, limits = self.held[self.jobs.balancer[j]], self.queue
  if held.last - held.first + 1 >= limits.length then return fail(self, j, "queue full") end
  local until_time = self.now + limits.timeout
  self.jobs.state[j], self.jobs.held_until[j], self.jobs.sent[j] = HELD, until_time, self.now
  held.last = held.last + 1
  held[held.last] = j
  push(self, until_time, GIVE_UP, j)
end

-- What a failed attempt leads to; true: another one.
local function is_tried_again(self, j, b, stage, kind, message)
  local all, record = self.jobs, self.jobs.record[j]
  local is_safe = stage == "connect" or not record.unsafe
  self.stats:attempt_failed(b)
  local verdict = self.balancers[all.balancer[j]]:failed(record, {
    stage = stage, kind = kind, message = message, safe = is_safe,
  })
  if verdict == "retry" and is_safe then
    self.stats:retried(all.arrived[j])
    return true
  end
  fail(self, j, kind == "timeout" and "timeout" or kind)
  return false
end

-- The policy has answered it itself.
local function answer_here(self, j, status)
  if status >= 400 then return fail(self, j, "status " .. status) end
  local all, user = self.jobs, self.jobs.user[j]
  self.stats:answered(all.arrived[j], self.now, all.waited[j])
  self.balancers[all.balancer[j]]:ended(all.record[j], nil, self.now - all.arrived[j])
  all:release(j)
  leave(self, user)
end

-- The attempt of a request begins on a backend that is alive.
local function place(self, b, j)
  enlist(self, j)
  if self.busy[b] < self.places[b] then start(self, b, j) else enqueue(self, b, j) end
end

-- The time until its hedge begins, too.
local function time_hedge(self, j)
  local at = self.now + self.hedge.after
  self.jobs.hedge_at[j] = at
  push(self, at, HEDGE, j)
end

-- Sends a request on until it has reached a backend, was given up, or must wait; false: it must
-- wait.
local function send(self, j, may_hold)
  local all, record = self.jobs, self.jobs.record[j]
  local balancer = self.balancers[all.balancer[j]]
  repeat
    local b, why = balancer:pick(record)
    if not b then
      if why == "reply" then
        answer_here(self, j, balancer:status(record))
      elseif why ~= "queue" then
        fail(self, j, why)
      elseif may_hold then
        hold(self, j)
      else
        return false
      end
      return true
    end
    all.backend[j], all.sent[j] = b, self.now
    self.stats:sent(b)
    if self.alive[b] then
      if self.moved then self.moved:sent(record, b) end
      place(self, b, j)
      if self.hedge then time_hedge(self, j) end
      return true
    end
    balancer:release(b)
  until not is_tried_again(self, j, b, "connect", "refused", "connection refused")
  return true
end

-- A place may be free now: those that wait at the balancer ask again.
local function ask_again(self, i)
  local held, all = self.held[i], self.jobs
  while held.first <= held.last do
    local j = held[held.first]
    if all.state[j] == HELD then
      local waited = self.now - all.sent[j]
      if not send(self, j, false) then return end
      if all.state[j] ~= FREE then all.waited[j] = all.waited[j] + waited end
    else
      all:release(j)
    end
    held[held.first] = nil
    held.first = held.first + 1
  end
end

-- Nobody waits for this attempt any more, but for the other one of the two. A backend still
-- finishes what it has begun.
local function lose(self, j)
  local all = self.jobs
  local other = all.twin[j]
  delist(self, j)
  all.twin[j], all.twin[other] = 0, 0
  self.balancers[all.balancer[j]]:release(all.backend[j])
  if all.is_rival[j] == 0 then
    all:swap_records(j, other)
    all.is_rival[other] = 0
    self.balancers[all.balancer[j]]:handed_over(all.record[other], all.backend[other])
  end
  all.state[j] = all.state[j] == RUNNING and ABANDONED or GONE
end

-- Of two attempts this one has its answer first.
local function win(self, j)
  local all = self.jobs
  if all.is_rival[j] == 1 then self.stats:hedge_won(all.arrived[j]) end
  lose(self, all.twin[j])
end

-- A request without an answer is sent to a second backend, too.
local function begin_hedge(self, j)
  local all, i, hedge = self.jobs, self.jobs.balancer[j], self.hedge
  local budget, state = hedge.budgets[i], all.state[j]
  if all.hedge_at[j] ~= self.now or (state ~= QUEUED and state ~= RUNNING) then return end
  all.hedge_at[j] = 0
  if not budget:affords(self.now) then return end
  local b = self.balancers[i]:hedge(all.record[j])
  if not b then return end
  if not self.alive[b] then return self.balancers[i]:release(b) end
  budget:charge(self.now)
  self.stats:sent(b)
  self.stats:hedged(all.arrived[j])
  local twin = all:take()
  for _, name in ipairs { "balancer", "user", "arrived" } do all[name][twin] = all[name][j] end
  all.demand[twin] = hedge.draw and hedge.draw(self.random.hedge) or all.demand[j]
  all.twin[j], all.twin[twin], all.is_rival[twin] = twin, j, 1
  all.backend[twin], all.sent[twin] = b, self.now
  place(self, b, twin)
end

local function begin_next(self, b)
  while self.busy[b] < self.places[b] do
    local j = dequeue(self, b)
    if j == 0 then return end
    start(self, b, j)
  end
end

local function finish(self, j)
  local all, state = self.jobs, self.jobs.state[j]
  if state == GONE then return all:release(j) end
  local b, i, now = all.backend[j], all.balancer[j], self.now
  self.busy[b] = self.busy[b] - 1
  self.stats:worked(b, all.began[j], now)
  begin_next(self, b)
  if state == ABANDONED then return all:release(j) end
  if all.twin[j] ~= 0 then win(self, j) end
  delist(self, j)
  local is_bad = self.failing[b] > 0 and self.random.failing() < self.failing[b]
  self.balancers[i]:answered(all.record[j], now - all.sent[j], is_bad and 503 or 200)
  if is_bad then
    self.stats:attempt_failed(b)
    fail(self, j, "status 503")
  else
    local user = all.user[j]
    self.stats:answered(all.arrived[j], now, all.waited[j])
    self.balancers[i]:ended(all.record[j], b, now - all.arrived[j])
    all:release(j)
    leave(self, user)
  end
  if self.held[i].first <= self.held[i].last then ask_again(self, i) end
end

local function arrive(self, user)
  local all = self.jobs
  local j = all:take()
  all.arrived[j], all.user[j] = self.now, user
  all.demand[j] = self.source:take(all.record[j])
  all.balancer[j] = self.balancers_n == 1 and 1
    or math.floor(self.random.balancer() * self.balancers_n) + 1
  self.balancers[all.balancer[j]]:begin(all.record[j])
  self.stats:arrived()
  if self.hedge then self.hedge.budgets[all.balancer[j]]:request(self.now) end
  send(self, j, true)
end

-- It has waited for its answer long enough. A backend still finishes what it has begun.
local function time_out(self)
  local all, j = self.jobs, self.first_sent
  local b, i = all.backend[j], all.balancer[j]
  if all.twin[j] ~= 0 then
    lose(self, j)
    return ask_again(self, i)
  end
  delist(self, j)
  local moved = all:move(j)
  all.state[j] = all.state[j] == RUNNING and ABANDONED or GONE
  self.balancers[i]:release(b)
  if is_tried_again(self, moved, b, "wait", "timeout", "no answer in time") then
    send(self, moved, true)
  end
  ask_again(self, i)
end

-- Requests on a backend that dies. Numbers that events or queues refer to are given up.
local function cut_off(self, b)
  local all, cut = self.jobs, {}
  for j = 1, all.n do
    local state = all.state[j]
    if all.backend[j] == b and state >= QUEUED and state <= ABANDONED then
      if state ~= QUEUED then self.stats:worked(b, all.began[j], self.now) end
      if state == ABANDONED then
        all.state[j] = GONE
      elseif all.twin[j] ~= 0 then
        lose(self, j)
        all.state[j] = GONE
      else
        delist(self, j)
        table.insert(cut, j)
      end
    end
  end
  return cut
end

-- Backends that may be anything but up, in ascending order: only those need checks.
local function touch(self, b)
  if self.is_touched[b] then return end
  local list, at = self.touched, #self.touched + 1
  while at > 1 and list[at - 1] > b do at = at - 1 end
  table.insert(list, at, b)
  self.is_touched[b] = true
end

function Sim:down(b)
  local all = self.jobs
  self.alive[b] = false
  touch(self, b)
  local cut = cut_off(self, b)
  for at, j in ipairs(cut) do
    cut[at] = all:move(j)
    all.state[j] = GONE
  end
  while dequeue(self, b) ~= 0 do end -- it gives them back
  self.busy[b] = 0
  for _, j in ipairs(cut) do
    self.balancers[all.balancer[j]]:release(b)
    if is_tried_again(self, j, b, "wait", "reset", "connection reset by peer") then
      send(self, j, true)
    end
  end
  for i = 1, self.balancers_n do ask_again(self, i) end
end

function Sim:up(b) self.alive[b] = true end

-- How many times as long requests take, from those that begin now.
function Sim:slower(b, factor) self.slow[b] = factor end

-- The share of its answers that are 503.
function Sim:fail(b, share) self.failing[b] = share end

-- A command of an operator to all balancers.
function Sim:order(b, what, value)
  for i = 1, self.balancers_n do
    self.balancers[i]:order(b, what, value)
    ask_again(self, i)
  end
end

-- It joins the pool, or leaves it, for all balancers.
function Sim:member(b, is_in)
  self.is_out[b], self.has_members = not is_in or nil, true
end

-- All that an event changes is changed.
function Sim:settle()
  if not self.has_members then return end
  self.has_members = false
  local members = {}
  for b = 1, self.n do
    if not self.is_out[b] then table.insert(members, b) end
  end
  for i = 1, self.balancers_n do
    self.balancers[i]:members(members)
    ask_again(self, i)
  end
end

-- For the figures: a backend leaves, joins, or nobody can say.
function Sim:moves(how, b)
  if self.moved then self.moved[how](self.moved, self.now, b) end
end

-- A hook has changed the state that a backend has for a balancer.
---@param i number  the balancer
---@param b number
---@param state string  or "suspect": its state is what it was
---@param seconds number?
function Sim:changed(i, b, state, seconds)
  local number = i * (self.n + 1) + b
  touch(self, b)
  if state == "down" and not self.listed[number] then
    self.listed[number] = true
    push(self, self.now + RECHECK_FIRST, RECHECK, number)
  elseif state == "suspect" and not self.suspects[number] then
    self.suspects[number] = true
    push(self, self.now + LOOK_AFTER, LOOK, number)
  elseif state == "ejected" then
    push(self, self.now + seconds, RETURN, number)
  end
end

local function pair_of(self, number)
  local b = number % (self.n + 1)
  return (number - b) / (self.n + 1), b
end

local function recheck(self, number)
  local i, b = pair_of(self, number)
  self.listed[number] = nil
  if self.balancers[i]:state(b) ~= "down" then return end
  self.balancers[i]:checked(b, self.alive[b])
  if self.alive[b] then
    ask_again(self, i)
  elseif self.now < self.horizon then
    self.listed[number] = true
    push(self, self.now + RECHECK_NEXT, RECHECK, number)
  end
end

-- A backend that a request found suspect is down if its check fails.
local function look(self, number)
  local i, b = pair_of(self, number)
  self.suspects[number] = nil
  if self.alive[b] or self.balancers[i]:state(b) ~= "up" then return end
  self.balancers[i]:checked(b, false)
  self:changed(i, b, "down")
end

local function check_all(self, i)
  for _, b in ipairs(self.touched) do self.balancers[i]:checked(b, self.alive[b]) end
  ask_again(self, i)
  if self.now + self.health < self.horizon then push(self, self.now + self.health, CHECK, i) end
end

local handlers = {
  [FINISH] = finish,
  [USER] = arrive,
  [PLAN] = function(self, number) self.plan[number].act(self) end,
  [CHECK] = check_all,
  [RECHECK] = recheck,
  [LOOK] = look,
  [RETURN] = function(self, number)
    local i, b = pair_of(self, number)
    self.balancers[i]:returned(b)
    ask_again(self, i)
  end,
  [HEDGE] = begin_hedge,
  [GIVE_UP] = function(self, j)
    local all = self.jobs
    if all.state[j] ~= HELD or all.held_until[j] > self.now then return end
    local moved = all:move(j)
    all.state[j] = GONE -- its place among the waiting ones gives the number back
    fail(self, moved, "queue timeout")
  end,
}

local function prepare(self)
  for b in pairs(self.plan.absent) do
    self:member(b, false)
    self:moves("leaves", b)
  end
  self:settle()
  for number, event in ipairs(self.plan) do push(self, event.time, PLAN, number) end
  for i = 1, self.balancers_n do
    if self.health < self.horizon then
      -- Balancers that were started by different people check at different times.
      push(self, self.health * self.random.balancer(), CHECK, i)
    end
  end
  for user = 1, self.closed and self.closed.users or 0 do
    push(self, self.closed.think * self.random.think(), USER, user)
  end
  self.next_arrival = self.source:next(0)
end

local function step(self, time)
  self.now, self.clock.now = time, time
  if time >= self.stats.window_end then self.stats:roll(time) end
  local events = self.events
  if self.next_arrival == time then
    arrive(self, 0)
    self.next_arrival = self.source:next(time)
  elseif events:next_time() == time then
    local value = events:pop()
    local kind = value % KINDS
    if kind == FINISH then
      finish(self, value / KINDS)
    else
      handlers[kind](self, (value - kind) / KINDS)
    end
  else
    time_out(self)
  end
end

-- Runs until nothing more happens. What arrived before the end is still served.
function Sim:run()
  prepare(self)
  local events, all, timeout = self.events, self.jobs, self.timeout
  while true do
    local time = min(self.next_arrival, events:next_time())
    if self.first_sent ~= 0 then time = min(time, all.sent[self.first_sent] + timeout) end
    if time == huge or (time >= self.horizon and all.active == 0 and self.next_arrival == huge) then
      break
    end
    step(self, time)
  end
  self.stats:finish(self.now)
end

return engine
