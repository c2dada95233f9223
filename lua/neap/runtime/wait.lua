-- Waiting inside a hook: C begins something for the running coroutine, which yields until C resumes
-- it with the result.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local part = require "neap.runtime.part"
local show = require "neap.config.show"

local C, N = ffi.C, ffi.numbers
local state, out = current.state, current.out
local yield, can_yield = coroutine.yield, coroutine.isyieldable

local wait = {}

local is_own -- is the running coroutine one that user code made? (set by tasks, see sandbox)

local function check_place(what, level)
  is_own = is_own or require("neap.runtime.sandbox").is_in_own_coroutine
  if is_own() then error(what .. ": a coroutine of your own cannot wait", level) end
  -- This is asked before anything begins: C would go on with it after the yield has failed.
  if not can_yield() then
    error(what .. ": a function that string.gsub, table.sort and their like call cannot wait",
      level)
  end
end

-- Raises unless the running hook may wait, here and now.
---@param what string  the function in messages
---@param level integer?  whose error it is, as `error` counts
function wait.check(what, level)
  level = level or 3
  if state.may_wait ~= N.NEAP_WAITS then
    error(what .. ": this hook may not wait (request, backends, pick, failed, certificate, check, "
      .. "discover, changed, start and every may)", level)
  end
  check_place(what, level + 1)
end

-- The same for the body of an answer: the hook `response` may wait for that alone.
function wait.check_for_body(what, level)
  if state.may_wait ~= N.NEAP_WAITS_FOR_BODY then
    error(what .. ": only the hook response may wait for it", level)
  end
  check_place(what, level + 1)
end

local function result(is_text)
  local failure = C.neap_wait_failure()
  if failure ~= nil then return nil, ffi.string(failure) end
  return is_text and out() or true
end

-- Meanwhile other hooks ran.
local function parked()
  yield()
  part.look_again()
end
wait.parked = parked

-- After a C function that begins to wait: yields if it must; true (or the text it got), or nil and
-- the reason.
function wait.done(begun)
  if begun == 1 then parked() end
  return result(false)
end

function wait.text(begun)
  if begun == 1 then parked() end
  return result(true)
end

wait.out = out

-- Seconds for a wait; nil: as long as the hook may run.
function wait.timeout(seconds)
  if seconds == nil then return 0 end
  if type(seconds) ~= "number" or seconds ~= seconds or seconds <= 0 then
    error("a timeout must be a number of seconds above 0, and this is " .. show.value(seconds), 3)
  end
  return seconds
end

---@param seconds number
function wait.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    error("neap.sleep(seconds): seconds must be a number from 0 on", 2)
  end
  wait.check "neap.sleep"
  wait.done(C.neap_wait_sleep(seconds))
end

return wait
