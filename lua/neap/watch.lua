-- Commands (neap sim, neap replay) note here when a policy's code runs, and whose: code that does
-- not return ends the command (src/lua/tool.c), which prints the last note. In plain LuaJIT nobody
-- watches.

local ffi = require "neap.ffi"
local native = require "neap.native"

local watch = {}

-- Odd while user code runs.
local entry = native.watched and ffi.cast("volatile uint32_t *", native.watched)
  or ffi.new "uint32_t[1]"
local shown = native.watched_who and ffi.cast("char *", native.watched_who)
local SHOWN_MAX = 199
local balancer, phase

---@param who table  a virtual balancer; its `title` says whose policy it has
---@param what string?  what it does if that is no hook
function watch.enter(who, what)
  if shown and balancer ~= who then
    ffi.copy(shown, (who.title or "the policy"):sub(1, SHOWN_MAX))
  end
  balancer, phase = who, what
  entry[0] = entry[0] + 1
end

function watch.leave() entry[0] = entry[0] + 1 end

---@return string
function watch.told()
  if not balancer then return "the command" end
  return ("%s: %s"):format(balancer.title or "the policy", phase or "hook " .. balancer:hook())
end

return watch
