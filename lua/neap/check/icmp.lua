-- Checks that the backend's host answers an ICMP echo, at any of its addresses.

local ffi = require "neap.ffi"
local reach = require "neap.check.reach"
local wait = require "neap.runtime.wait"

local C = ffi.C

local WORDS = { "pinged", "answer to a ping" }

local function ping(address, seconds)
  return wait.done(C.neap_wait_ping(address, #address, wait.timeout(seconds)))
end

return function(settings, backend, addresses)
  return reach.check(settings, backend, addresses, WORDS, ping)
end
