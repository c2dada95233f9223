-- Hooks that neap runs beside traffic, in its agent: check, changed, start, every.

local watch = require "neap.watch"

local beside = {}

-- Runs one; its error fails the spec, or (balancer.contain) is noted: then false and the error.
---@param name string  the hook's
function beside.call(balancer, name, hook, ...)
  local current = balancer.world.current
  current.request, current.may_wait, current.waited = nil, 1, 0
  balancer:activate()
  watch.enter(balancer, "hook " .. name)
  local ok, a, b = xpcall(hook, debug.traceback, ...)
  watch.leave()
  if ok then return a, b end
  local text = a:match "^(.-)\nstack traceback:" or a
  table.insert(balancer.errors, { hook = name, text = text })
  if not balancer.contain then error(("hook %s: %s"):format(name, text), 0) end
  return false, text
end

return beside
