-- Coroutines that wait for sockets or time, over poll. One per origin process.
--
--   scheduler.new() → s
--   s:spawn(fn, ...)                    starts a coroutine
--   s.wait(fd, "IN" or "OUT", seconds) → boolean     inside one: gives way; false on time-out
--   s.sleep(seconds)                    inside one
--   s.at(moment)                        inside one: when eventually.now() has come there
--   s:run()                             until no coroutine is left

local errno = require "posix.errno"
local poll = require "posix.poll"
local eventually = require "support.eventually"

local scheduler = {}
local Scheduler = {}
Scheduler.__index = Scheduler

function scheduler.new()
  -- waiting: coroutine → { fd, event, deadline }; interest: what poll is given, by fd
  return setmetatable({ waiting = {}, interest = {}, by_fd = {} }, Scheduler)
end

function Scheduler.wait(fd, event, seconds)
  return coroutine.yield { fd = fd, event = event, deadline = eventually.now() + seconds }
end

function Scheduler.sleep(seconds)
  coroutine.yield { deadline = eventually.now() + seconds }
end

function Scheduler.at(moment)
  while eventually.now() < moment do coroutine.yield { deadline = moment } end
end

local function park(self, co, want)
  self.waiting[co] = want
  if want.fd then
    self.interest[want.fd] = { events = { [want.event] = true } }
    self.by_fd[want.fd] = co
  end
end

local function unpark(self, co)
  local want = self.waiting[co]
  self.waiting[co] = nil
  if want and want.fd then
    self.interest[want.fd] = nil
    self.by_fd[want.fd] = nil
  end
end

local function resume(self, co, ...)
  unpark(self, co)
  local ok, want = coroutine.resume(co, ...)
  if not ok then error(debug.traceback(co, tostring(want)), 0) end
  if coroutine.status(co) ~= "dead" then park(self, co, want) end
end

function Scheduler:spawn(fn, ...) resume(self, coroutine.create(fn), ...) end

local function time_left(self)
  local first = math.huge
  for _, want in pairs(self.waiting) do first = math.min(first, want.deadline) end
  local left = math.max(0, first - eventually.now())
  return math.min(math.ceil(left * 1000), 60000)
end

local function ready_coroutines(self)
  local list = {}
  for fd, state in pairs(self.interest) do
    local got = state.revents
    if got and (got.IN or got.OUT or got.HUP or got.ERR or got.NVAL) then
      table.insert(list, self.by_fd[fd])
    end
  end
  return list
end

local function late_coroutines(self)
  local list, now = {}, eventually.now()
  for co, want in pairs(self.waiting) do
    if want.deadline <= now then table.insert(list, co) end
  end
  return list
end

function Scheduler:run()
  while next(self.waiting) do
    local count, err, code = poll.poll(self.interest, time_left(self))
    if not count and code ~= errno.EINTR then error(err) end
    if count and count > 0 then
      for _, co in ipairs(ready_coroutines(self)) do resume(self, co, true) end
    end
    for _, co in ipairs(late_coroutines(self)) do resume(self, co, false) end
  end
end

return scheduler
