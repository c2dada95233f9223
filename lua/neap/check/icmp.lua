-- Checks that the backend's host answers an ICMP echo, at any of its addresses.

local dial = require "neap.check.dial"
local dns = require "neap.io.dns"
local ffi = require "neap.ffi"
local show = require "neap.config.show"
local wait = require "neap.runtime.wait"
local config_address = require "neap.config.address"

local C = ffi.C

local MOMENT = 1 -- seconds

local function is_literal(host)
  return config_address.is_ipv4(host) or config_address.is_ipv6(host)
end

-- Names of `address` and of a hook's backend are looked up here.
local function resolved(goals, deadline)
  if #goals ~= 1 or is_literal(goals[1]) then return goals end
  if goals[1] == "unix" or goals[1]:find "^unix:" then
    return nil, "a unix socket cannot be pinged"
  end
  local list, why = dns.resolve(goals[1], dial.left(deadline))
  return list, why and ("cannot resolve %s: %s"):format(show.text(goals[1]), why)
end

-- Each address gets a moment first, so that a silent one does not keep the others waiting; then
-- each gets its share of the rest.
local function ping_any(goals, deadline)
  local why
  for round = #goals > 1 and 1 or 2, 2 do
    for i, address in ipairs(goals) do
      local share = dial.left(deadline) / (#goals - i + 1)
      if round == 1 then share = math.min(share / 2, MOMENT) end
      local ok, failure = wait.done(C.neap_wait_ping(address, #address, wait.timeout(share)))
      if ok then return true end
      why = why or failure
    end
  end
  return nil, why
end

return function(settings, backend, addresses)
  local deadline = dial.clock() + settings.timeout
  local goals, why = resolved(dial.goal(settings, backend, addresses), deadline)
  if not goals then return false, dial.why(settings, why), "connect" end
  local ok
  ok, why = ping_any(goals, deadline)
  if ok then return true end
  if why == "timeout" then why = ("no answer to a ping in %g s"):format(settings.timeout) end
  return false, why, "connect"
end
