-- The test kit: virtual balancers, in plain LuaJIT (busted, no binary, no sockets) and inside neap.
-- It runs neap's own runtime and policies over a virtual board, clock, dice and network.
--
-- For specs (docs/testing.md):
--
--   local testing = require "neap.testing"
--   local pool = testing.pool({ "b1", "b2", "b3" }, { policy = "policy.lua" })
--   pool:pick { path = "/", headers = { … } }  → name of the backend that answered
--   pool:send { … }    → status, backend, attempts, tried, reason, headers, body, sent, …
--   pool:kill "b2"; pool:slow("b1", 2); pool:drain "b3"; pool:advance(60)       see pool.lua
--   policy.pick(pool:request { … }, pool:view())                                a hook by hand
--   assert.balanced(pool, 0.02); assert.sticky(pool, …); assert.moves_at_most(…)  see matchers.lua
--   testing.contract "policy.lua"                                               see contract.lua
--
-- For simulations: the light path, ~0.1 µs a pick. Backends are numbered from 1 in the order of the
-- config, over all its pools. Each balancer is a runtime of its own: several of them, with other
-- seeds, do not know of each other.
--
--   local b = testing.balancer {
--     backends = 100 or { "b1", { name = "b2", weight = 3, zone = "a" } },
--     policy = name, path or table, seed = 7, time = 0, light = true }   and any key of a config
--   local request = b:request { path = "/", client_ip = "10.0.0.1", headers = {} }   made once …
--   b:renew(request)                      … and again: a new request with the same fields
--   b:pick(request)                       → index; nil, "queue"; nil, "reply"; or nil, a reason.
--                                           An error of the policy is raised
--   b:take(index)  b:release(index)       inflight + 1, − 1
--   b:answered(request, seconds, status)  the head came: latency average, `response` hook
--   b:failed(request, { stage = "connect", kind = "refused" })
--                                         → "retry" (pick again: it is noted as tried), or "fail".
--                                           The default policy marks the backend down
--   b:finish(request)                     what hooks kept of it goes (renew does this too)
--   b:set_time(seconds)                   neap.now(), and what `since` is measured by
--   b:set(index, { state = "up", inflight = 3, latency = 0.1, weight = 2, slots = 4, tier = 0 })
--   b:state(index) → "up", "down", …      b:inflight(index)      b:backend(index) → the object
--   b:name(index)                         b.count = how many backends

local Balancer = require "neap.testing.balancer"
local contract = require "neap.testing.contract"
local matchers = require "neap.testing.matchers"
local Pool = require "neap.testing.pool"
local show = require "neap.config.show"

local testing = {}

-- A virtual balancer. `balancer.pools.NAME` and `balancer.pool` are its pools for specs.
---@param options table  the keys of a config, and: config (path of one), seed, time, network,
---  contain, light
---@return table
function testing.balancer(options)
  if type(options) ~= "table" then error("testing.balancer { backends =, policy = }", 2) end
  if options.config ~= nil and type(options.config) ~= "string" then
    error(("testing.balancer: config is %s (expected the path of a config's file; keys of a config "
      .. "stand in the table itself: testing.balancer { pools = … })")
      :format(show.value(options.config)), 2)
  end
  local balancer = Balancer.new(options)
  balancer.pools = {}
  for _, pool in ipairs(balancer.config.pools) do
    balancer.pools[pool.name] = Pool.new(balancer, pool.name)
  end
  local own = balancer.service.pool
  balancer.pool = own and balancer.pools[own]
  return balancer
end

-- A pool of a balancer of its own.
---@param backends integer|(string|table)[]  how many, or names, URLs, tables as in a config
---@param options table?  as of testing.balancer
---@return table
function testing.pool(backends, options)
  local all = { backends = backends }
  for key, value in pairs(options or {}) do all[key] = value end
  return testing.balancer(all).pool
end

testing.contract = contract.check
matchers.install()

return testing
