-- Addresses of a backend's host for checks without a connection: each gets its share of the time.

local dial = require "neap.check.dial"
local dns = require "neap.io.dns"
local show = require "neap.config.show"
local config_address = require "neap.config.address"

local reach = {}

local MOMENT = 1 -- seconds

local function is_literal(host)
  return config_address.is_ipv4(host) or config_address.is_ipv6(host)
end

-- Names of `address` and of a hook's backend are looked up here.
local function resolved(goals, deadline, what)
  if #goals ~= 1 or is_literal(goals[1]) then return goals end
  if goals[1] == "unix" or goals[1]:find "^unix:" then
    return nil, "a unix socket cannot be " .. what
  end
  local list, why = dns.resolve(goals[1], dial.left(deadline))
  return list, why and ("cannot resolve %s: %s"):format(show.text(goals[1]), why)
end

-- Each address gets a moment first, so that a silent one does not keep the others waiting; then
-- each gets its share of the rest.
local function try_any(goals, deadline, try)
  local why
  for round = #goals > 1 and 1 or 2, 2 do
    for i, address in ipairs(goals) do
      local share = dial.left(deadline) / (#goals - i + 1)
      if round == 1 then share = math.min(share / 2, MOMENT) end
      local ok, failure = try(address, share)
      if ok then return true end
      why = why or failure
    end
  end
  return nil, why
end

-- Is there one that `try(address, seconds, port)` says yes to? It returns true, or nil and why.
-- The result is a check's.
---@param settings table
---@param backend table
---@param addresses string[]
---@param words table  what is done: "pinged"; what did not come: "answer to a ping"
---@param try fun(address: string, seconds: number, port: integer?): boolean?, string?
---@return boolean is_ok, string? why, string? stage
function reach.check(settings, backend, addresses, words, try)
  local deadline = dial.clock() + settings.timeout
  local all, port = dial.goal(settings, backend, addresses)
  local goals, why = resolved(all, deadline, words[1])
  if not goals then return false, dial.why(settings, why), "connect" end
  local ok
  ok, why = try_any(goals, deadline, function(address, seconds)
    return try(address, seconds, port)
  end)
  if ok then return true end
  if why == "timeout" then why = ("no %s in %g s"):format(words[2], settings.timeout) end
  return false, why, "connect"
end

return reach
