-- Work of the agent in coroutines that may wait: C starts and limits them.

local ffi = require "neap.ffi"

local C = ffi.C

local tasks = {}

local waiting = {} -- number → { fn, on_end, args }
local last = 0

-- Runs fn(...) in a coroutine of its own, from the next turn of the loop on.
---@param options table  fn; limit: seconds it may take (0: any); on_end(ok, value or reason);
---  guarded: false for the runtime's own work, which may hold the loop longer than a hook may
---@return number? number  -- for cancel; nil: no memory
function tasks.start(options, ...)
  last = last + 1
  waiting[last] = { fn = options.fn, on_end = options.on_end, n = select("#", ...), ... }
  if C.neap_task_start(last, options.limit or 0, options.guarded == false and 0 or 1) == 0 then
    waiting[last] = nil
    return nil
  end
  return last
end

---@param fn function
---@param limit number?  seconds
---@param on_end fun(ok: boolean, value: any)?
function tasks.spawn(fn, limit, on_end)
  return tasks.start { fn = fn, limit = limit, on_end = on_end }
end

-- Ends it; its on_end is not called.
function tasks.cancel(number)
  if waiting[number] then
    waiting[number] = nil
    C.neap_task_cancel(number)
  end
end

-- Called by C in the task's coroutine. C catches an error and then calls finish.
function tasks.run(number)
  local task = waiting[number]
  local value = task.fn(unpack(task, 1, task.n))
  waiting[number] = nil
  if task.on_end then task.on_end(true, value) end
  return 0
end

-- Called by C when a task erred or took too long.
function tasks.finish(number, reason)
  local task = waiting[number]
  waiting[number] = nil
  if task and task.on_end then task.on_end(false, reason) end
  return 0
end

return tasks
