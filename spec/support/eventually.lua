-- The only place of the specs that sleeps.
--
--   eventually(fn, limit = 15, what) → what fn returned
--       Calls fn until it returns something true, or returns without any value and without an
--       error (so that a body of asserts works). After `limit` seconds raises, with the last error.
--       A lower limit counts as 15: a machine may be busy, and no spec depends on its speed.
--   eventually.within(seconds, fn, what)
--       The same with a limit that counts as it is, where the limit is what the spec tries.
--   eventually.always(fn, seconds = 0.3, what)
--       The opposite watch: raises as soon as fn returns false or nil or errs within the time.
--   eventually.pause(seconds, why)
--       Lets time pass, where that is what the spec tries: a deadline that must not have run out, a
--       peer that is slow. Not for waiting until something has happened. Lint counts its uses.
--   eventually.now() → seconds of the monotonic clock
--   eventually.slowness → factor on all limits: 1, or more against a build with sanitizers

local time = require "posix.time"

local FIRST_PAUSE, LAST_PAUSE = 0.002, 0.05
local PATIENCE = 15

local eventually = { slowness = os.getenv "NEAP_SANITIZED" and 4 or 1 }

function eventually.now()
  local t = time.clock_gettime(time.CLOCK_MONOTONIC)
  return t.tv_sec + t.tv_nsec / 1e9
end

local function sleep(seconds)
  local whole = math.floor(seconds)
  time.nanosleep { tv_sec = whole, tv_nsec = math.floor((seconds - whole) * 1e9) }
end

local function outcome(ok, ...)
  if not ok then return false, tostring((...)) end
  if select("#", ...) == 0 then return true end
  if (...) then return true, ... end
  return false, "returned " .. tostring((...))
end

local function wait_for(fn, limit, what)
  local deadline, pause = eventually.now() + limit, FIRST_PAUSE
  while true do
    local result = { outcome(pcall(fn)) }
    if result[1] then return unpack(result, 2) end
    if eventually.now() >= deadline then
      local text = "%s: not within %g s: %s"
      error(text:format(what or "eventually", limit, tostring(result[2])), 3)
    end
    sleep(pause)
    pause = math.min(pause * 1.5, LAST_PAUSE)
  end
end

function eventually.always(fn, seconds, what)
  local deadline = eventually.now() + (seconds or 0.3)
  repeat
    local result = { outcome(pcall(fn)) }
    if not result[1] then
      error(("%s: ended: %s"):format(what or "always", tostring(result[2])), 2)
    end
    sleep(0.01)
  until eventually.now() >= deadline
end

function eventually.pause(seconds, why)
  assert(type(why) == "string", "a pause says why")
  sleep(seconds)
end

function eventually.within(seconds, fn, what) return wait_for(fn, seconds, what) end

local function call(_, fn, limit, what)
  return wait_for(fn, math.max(limit or 0, PATIENCE) * eventually.slowness, what)
end

return setmetatable(eventually, { __call = call })
