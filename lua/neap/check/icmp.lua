-- Checks that the backend's host answers an ICMP echo, at any of its addresses.

local ffi = require "neap.ffi"
local reach = require "neap.check.reach"
local wait = require "neap.runtime.wait"

local C = ffi.C

local function ping(address, seconds)
  return wait.done(C.neap_wait_ping(address, #address, wait.timeout(seconds)))
end

return function(settings, backend, addresses)
  local ok, why = reach.any(settings, backend, addresses, "pinged", ping)
  if ok then return true end
  if why == "timeout" then why = ("no answer to a ping in %g s"):format(settings.timeout) end
  return false, why, "connect"
end
