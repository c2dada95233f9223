-- Ends a policy's code that does not return, in plain LuaJIT. (If the policy runs in a command of
-- neap, C watches: neap.watch.) Compiled code calls no debug hooks, so the policy's code is
-- interpreted.

local native = require "neap.native"

local fuse = { limit = 2 } -- seconds of CPU

local STEP = 1000000 -- instructions between two looks at the clock
local AGAIN, TIMES = 10000, 10 -- instructions until it errs again if that was caught; how often
local home, over -- the coroutine that waits for the policy; when it has waited enough
local blown = 0 -- how often already

local function look()
  if coroutine.running() == home then return end
  over = over or os.clock() + fuse.limit
  if os.clock() < over then return end
  -- Code that passes the error on has time for it; a loop around a pcall ends at its own
  -- instruction.
  blown = blown + 1
  debug.sethook(look, "", blown < TIMES and AGAIN or 1)
  error(("ran for more than %g s"):format(fuse.limit), 2)
end

local function disarm(...)
  debug.sethook()
  return ...
end

-- coroutine.resume for a policy's code. The hook of another (coverage, a debugger) is left alone.
function fuse.resume(thread, ...)
  if native.watched or debug.gethook() then return coroutine.resume(thread, ...) end
  home, over, blown = coroutine.running(), nil, 0
  debug.sethook(look, "", STEP)
  return disarm(coroutine.resume(thread, ...))
end

-- pcall for what loads a policy.
function fuse.pcall(fn, ...)
  local thread = coroutine.create(function(...) return pcall(fn, ...) end)
  local function result(resumed, ok, ...)
    if coroutine.status(thread) == "suspended" then
      return false, "attempt to yield while a policy is loaded"
    end
    if not resumed then return false, ok end
    return ok, ...
  end
  return result(fuse.resume(thread, ...))
end

---@class neap.Fused  code that can be interrupted, unless it is trusted
local Fused = {}
Fused.__index = Fused

function fuse.new() return setmetatable({ functions = {} }, Fused) end

---@param fn function?
---@return function? fn
function Fused:add(fn)
  if type(fn) == "function" and not native.watched and pcall(jit.off, fn, true) then
    table.insert(self.functions, fn)
  end
  return fn
end

-- `load` for code of users.
function Fused:load()
  local load = load
  return function(...)
    local fn, why = load(...)
    return self:add(fn), why
  end
end

-- From now on as fast as in neap.
function Fused:trust()
  for _, fn in ipairs(self.functions) do jit.on(fn, true) end
end

return fuse
