-- Runs what is due, each item in a coroutine of its own, so that none waits for another.
--
-- An item is a table with
--   limit            seconds that one run may take
--   run(item)        may wait
--   is_own           true: no code of a policy runs in it (neap.agent.host)
--   ended(item, outcome, …) → seconds until it is due again, or nil: never (until it is set)
--       outcome is "done" (… is what run returned), "error" (… is the message) or "timeout"

local timetable = require "neap.agent.timetable"

local jobs = {}
local Jobs = {}
Jobs.__index = Jobs

local GRACE = 0.05 -- so that a limit of what run itself waits for comes first

---@param host table  now(), spawn(fn) → task, cancel(task)
---@param places integer
function jobs.new(host, places)
  return setmetatable({
    host = host,
    timetable = timetable.new(places),
    running = {}, -- item → when it must have ended
    results = {}, -- of what ended since the last tick
  }, Jobs)
end

---@param item table
---@param key any   its group
---@param delay number  seconds
function Jobs:set(item, key, delay)
  item.key = key
  self.timetable:set(item, key, self.host.now() + delay)
end

function Jobs:remove(item) self.timetable:remove(item) end

local function finish(self, item, round, outcome, ...)
  if item.round ~= round then return end -- it ended before, by its limit
  item.round = round + 1
  item.task = nil
  self.running[item] = nil
  local asked = self.timetable:finish(item)
  if item.is_gone then return end
  local delay = item:ended(outcome, ...)
  local due = delay and self.host.now() + delay
  if asked and (not due or asked < due) then due = asked end
  if due then self.timetable:set(item, item.key, due) end
end

-- The next tick takes in what run returned, outside of the coroutine: the fuse watches the code
-- inside as it watches a hook.
local function start(self, item)
  local round = (item.round or 0) + 1
  local result = { item = item, round = round, outcome = "done", n = 0 }
  item.round = round
  self.running[item] = self.host.now() + item.limit + GRACE
  local function keep(...)
    result.n = select("#", ...)
    for i = 1, result.n do result[i] = (select(i, ...)) end
  end
  item.task = self.host.spawn(function() keep(item:run()) end, function(ok, why)
    if not ok then
      result.outcome = "error"
      keep(tostring(why))
    end
    table.insert(self.results, result)
  end, item.is_own)
  if not item.task then finish(self, item, round, "error", "out of memory") end
end

local function take_in_results(self)
  local results = self.results
  self.results = {}
  for _, result in ipairs(results) do
    finish(self, result.item, result.round, result.outcome, unpack(result, 1, result.n))
  end
end

local function end_overdue(self, now)
  for item, deadline in pairs(self.running) do
    if deadline <= now then
      self.host.cancel(item.task)
      finish(self, item, item.round, "timeout")
    end
  end
end

-- To be called often: takes in what ended, ends what takes too long, starts what is due.
function Jobs:tick()
  take_in_results(self)
  local now = self.host.now()
  end_overdue(self, now)
  while true do
    local item = self.timetable:take(now)
    if not item then return end
    start(self, item)
  end
end

return jobs
