-- Assertions of luassert about pools, where luassert is there (as in busted):
--
--   assert.balanced(pool, 0.02, { requests = 10000, fields = … })
--       each backend's share of the requests is that of its weight, give or take 0.02
--   assert.sticky(pool, { clients = 100, times = 5, fields = … })
--       each client's requests all go to one backend; it sends back the cookies that it gets
--   assert.moves_at_most(pool, 0.3, function() pool:down "b2" end, { requests = 2000, fields = … })
--       of so many different requests no more than that part goes elsewhere after the change
-- fields: of all requests, or a function(i) that returns those of one. Without it they differ in
-- path and client address.

local spread = require "neap.testing.spread"

local matchers = {}

local DEFAULTS = { requests = 10000, clients = 100, times = 5 }
local KEYS = { requests = true, clients = true, times = true, fields = true }

local function read(what, given)
  local options = {}
  for key, value in pairs(DEFAULTS) do options[key] = value end
  for key, value in pairs(given or {}) do
    if not KEYS[key] then error(("assert.%s: unknown option '%s'"):format(what, key), 0) end
    options[key] = value
  end
  return options
end

local function check_arguments(what, pool, number)
  if type(pool) ~= "table" or not pool.balancer then
    error(("assert.%s: the first argument must be a pool of neap.testing"):format(what), 0)
  end
  if type(number) ~= "number" or number < 0 or number > 1 then
    error(("assert.%s: the second argument must be a number from 0 to 1"):format(what), 0)
  end
end

---@return boolean ok, string message
function matchers.balanced(pool, tolerance, given)
  check_arguments("balanced", pool, tolerance)
  local o, shares = read("balanced", given), spread.expected(pool)
  local counts = pool:count(o.requests, function(i) return spread.fields_of(o.fields, i) end)
  local worst = spread.worst(counts, shares, o.requests)
  return worst.off <= tolerance, ("expected shares by weight, give or take %g; %s got %.4f of %d "
    .. "requests, not %.4f"):format(tolerance, worst.name, worst.share, o.requests, worst.expected)
end

---@return boolean ok, string message
function matchers.sticky(pool, given)
  check_arguments("sticky", pool, 0)
  local o = read("sticky", given)
  for i = 1, o.clients do
    local client = spread.client(pool, o.fields, i)
    local first = client()
    for turn = 2, o.times do
      local name = client()
      if name ~= first then
        return false, ("client %d went to %s first, and to %s with request %d")
          :format(i, first, name, turn)
      end
    end
  end
  return true, ("expected some client's requests to go to more than one backend; each of %d "
    .. "clients stayed with its own"):format(o.clients)
end

---@return boolean ok, string message
function matchers.moves_at_most(pool, share, change, given)
  check_arguments("moves_at_most", pool, share)
  if type(change) ~= "function" then
    error("assert.moves_at_most(pool, share, change): change must be a function", 0)
  end
  local o = read("moves_at_most", given)
  local before = spread.map(pool, o.requests, o.fields)
  change(pool)
  local moved = spread.moved(before, spread.map(pool, o.requests, o.fields))
  return moved <= share, ("expected at most %g of %d requests to go elsewhere after the change; "
    .. "%.4f did"):format(share, o.requests, moved)
end

-- luassert calls with (state, arguments); the message serves failures of either sense.
local function register(assert, name, check)
  assert:register("assertion", name, function(state, arguments)
    local ok, message = check(unpack(arguments, 1, arguments.n))
    state.failure_message = message
    return ok
  end)
end

-- Also done by requiring neap.testing.
---@return boolean  luassert is there
function matchers.install()
  local ok, assert = pcall(require, "luassert")
  if not ok then return false end
  for _, name in ipairs { "balanced", "sticky", "moves_at_most" } do
    register(assert, name, matchers[name])
  end
  return true
end

return matchers
