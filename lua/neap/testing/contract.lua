-- What every policy promises, whatever it is for:
--
--   require("neap.testing").contract("policy.lua", { … })
--
-- policy: the path of a file, the name of a shipped one, a table of hooks, or a function that gives
-- one. In a busted file (or a `describe`) it makes one `it` of each promise; elsewhere it checks
-- them at once, and raises what is broken.
--
-- The stores and pools that the policy names are there, pools with the same backends. Where its
-- hook `request` answers itself (401, a page), the request goes on here all the same: what is
-- promised is how `backends` and `pick` decide about those that pass.
--
-- Options, all with a default:
--   fair = true, or a tolerance (0.03: within three points of each backend's share), or false for
--       what is unfair by nature
--   consistent = nil     the same request always goes to the same backend: nil finds out; true
--       demands it; false does not ask
--   microseconds = 50, bytes = 1024      of CPU time and garbage, on average, a pick
--   fields = function(i)                 what the i-th request has; else path and client differ
--   backends = function(n)               a list of n backends, where names alone will not do
--   name = "…"                           what specs call it
--   and all that testing.balancer takes: network, seed, retry, …

local needs = require "neap.testing.needs"
local spread = require "neap.testing.spread"

local contract = {}

local OWN = { fair = true, consistent = true, microseconds = true, bytes = true, fields = true,
  backends = true, name = true }
local DEFAULTS = { fair = true, microseconds = 50, bytes = 1024 }
local TOLERANCE, SHARE_REQUESTS, UNDER_WAY = 0.03, 4000, 100
local TRIAL = 20 -- requests, to find what the policy needs
local DETECT, KEYS = 51, 1000 -- 51: round robin over four must not look consistent

local function names(n)
  local list = {}
  for i = 1, n do list[i] = "b" .. i end
  return list
end

local function options_of(given)
  local o, balancer = {}, {}
  for key, value in pairs(DEFAULTS) do o[key] = value end
  for key, value in pairs(given or {}) do
    if OWN[key] then o[key] = value else balancer[key] = value end
  end
  o.balancer, o.backends = balancer, o.backends or names
  return o
end

local function merged(given, found)
  local all = {}
  for key, value in pairs(found) do all[key] = value end
  for key, value in pairs(given or {}) do all[key] = value end
  return next(all) and all or nil
end

-- A pool of n backends under the policy, and the others that it needs.
local function make_pool(c, found, n, change)
  local testing = require "neap.testing"
  local all, pools = {}, {}
  for key, value in pairs(c.o.balancer) do all[key] = value end
  local backends = c.o.backends(n)
  if change then backends = change(backends) end
  for _, name in ipairs(found.pools) do pools[name] = { backends = backends } end
  all.policy, all.passes = c.policy, true
  all.shared, all.pools = merged(all.shared, found.stores), merged(all.pools, pools)
  return testing.pool(backends, all):start()
end

local function fields(c, i) return spread.fields_of(c.o.fields, i) end

local function pool_of(c, n, change)
  c.found = c.found or needs.learn(function(found)
    local pool = make_pool(c, found, 2)
    for i = 1, TRIAL do pool:send(fields(c, i)) end
  end)
  return make_pool(c, c.found, n, change)
end

-- The same change in each pool that has these backends.
local function everywhere(c, pool, change, ...)
  pool[change](pool, ...)
  for _, name in ipairs(c.found.pools) do
    local one = pool.balancer.pools[name]
    one[change](one, ...)
  end
end

local function expect(ok, message, ...)
  if not ok then error(message:format(...), 0) end
end

local function only_from(c, pool, allowed, n)
  for i = 1, n do
    local result = pool:send(fields(c, i))
    expect(result.backend, "request %d went nowhere: %s", i, tostring(result.reason))
    expect(allowed[result.backend], "request %d went to %s, which may not serve", i,
      result.backend)
  end
end

local function named(item) return type(item) == "table" and item.name or item end

local function with(item, values)
  local whole = type(item) == "table" and item or { name = item }
  for key, value in pairs(values) do whole[key] = value end
  return whole
end

local promises = {}

local function promise(text, check) table.insert(promises, { text = text, check = check }) end

promise("works with 1, 2 and 1,000 backends", function(c)
  for _, n in ipairs { 1, 2, 1000 } do
    local pool, allowed = pool_of(c, n), {}
    for _, backend in ipairs(pool.all) do allowed[backend.name] = true end
    only_from(c, pool, allowed, 100)
  end
end)

promise("picks nothing that is down, drains, is ejected, full, weightless or of a higher tier",
  function(c)
    local list
    local pool = pool_of(c, 8, function(backends)
      list = backends
      backends[4] = with(backends[4], { weight = 0 })
      backends[5] = with(backends[5], { tier = 1 })
      backends[6] = with(backends[6], { slots = 2 })
      return backends
    end)
    everywhere(c, pool, "down", named(list[1]))
    everywhere(c, pool, "drain", named(list[2]))
    everywhere(c, pool, "eject", named(list[3]), 3600)
    everywhere(c, pool, "fill", named(list[6]))
    only_from(c, pool, { [named(list[7])] = true, [named(list[8])] = true }, 200)
  end)

promise("tries each backend once, and ends when all are dead", function(c)
  local pool, seen = pool_of(c, 3), {}
  for _, backend in ipairs(pool.all) do everywhere(c, pool, "kill", backend.name) end
  local result = pool:send(fields(c, 1))
  expect(result.status >= 500, "all are dead, and the answer is %d", result.status)
  for _, name in ipairs(result.tried) do
    expect(not seen[name], "one request tried %s twice", name)
    seen[name] = true
  end
  for i = 2, 10 do
    result = pool:send(fields(c, i))
    expect(result.attempts <= 3, "%d attempts on 3 backends", result.attempts)
  end
  for _, backend in ipairs(pool.all) do
    everywhere(c, pool, "revive", backend.name)
    everywhere(c, pool, "up", backend.name)
  end
  expect(pool:send(fields(c, 1)).backend, "nothing is dead any more, and a request goes nowhere")
end)

promise("copes with odd requests", function(c)
  local pool = pool_of(c, 2)
  for _, odd in ipairs {
    { method = "OPTIONS", path = "*" }, { path = "/" .. ("x"):rep(8000) },
    { client_ip = "" }, { client_ip = "2001:db8::1", version = "1.0" }, { path = "/?" },
    { headers = { Cookie = "=; a; neap=; ;;" } }, { host = "" }, { method = "BREW", body = "x" },
  } do
    local result = pool:send(odd)
    expect(result.status, "no answer")
  end
end)

-- Where requests go while the last 100 are always under way: policies that look at the load are
-- fair by weight only under load.
local function loaded_counts(c, pool)
  local balancer, under_way, counts = pool.balancer, {}, {}
  for i = 1, SHARE_REQUESTS do
    local record = balancer:request(fields(c, i))
    local index, why = balancer:pick(record)
    expect(index, "request %d went nowhere: %s", i, tostring(why))
    balancer:finish(record)
    balancer:take(index)
    local place = i % UNDER_WAY
    if under_way[place] then balancer:release(under_way[place]) end
    under_way[place] = index
    local name = balancer:name(index)
    counts[name] = (counts[name] or 0) + 1
  end
  return counts
end

promise("is fair, and by weight", function(c)
  if c.o.fair == false then return end
  local tolerance = type(c.o.fair) == "number" and c.o.fair or TOLERANCE
  for _, weights in ipairs { { 1, 1, 1, 1 }, { 3, 1, 1 } } do
    local pool = pool_of(c, #weights, function(backends)
      for i, weight in ipairs(weights) do backends[i] = with(backends[i], { weight = weight }) end
      return backends
    end)
    local shares = spread.expected(pool)
    local counts = loaded_counts(c, pool)
    for name in pairs(shares) do counts[name] = counts[name] or 0 end
    local worst = spread.worst(counts, shares, SHARE_REQUESTS)
    expect(worst.off <= tolerance, "%s got %.3f of the requests, not %.3f (give or take %g)",
      worst.name, worst.share, worst.expected, tolerance)
  end
end)

-- Do the same requests go to the same backends, and not all to one?
local function is_consistent(c, pool)
  local first = spread.map(pool, DETECT, function(i) return fields(c, i) end)
  local again = spread.map(pool, DETECT, function(i) return fields(c, i) end)
  if spread.moved(first, again) > 0 then return false, first, again end
  for i = 2, #first do
    if first[i] ~= first[1] then return true end
  end
  return false
end

promise("moves at most its share of the requests when a backend goes, if it is consistent",
  function(c)
    if c.o.consistent == false then return end
    local consistent, first, again = is_consistent(c, pool_of(c, 4))
    if not consistent then
      expect(not c.o.consistent or not again, "the same requests went to other backends: %.2f of "
        .. "them", again and spread.moved(first, again) or 0)
      return
    end
    local pool = pool_of(c, 10)
    local before = spread.map(pool, KEYS, function(i) return fields(c, i) end)
    local gone, share = pool.all[3].name, 0
    for _, name in ipairs(before) do share = share + (name == gone and 1 or 0) / KEYS end
    everywhere(c, pool, "down", gone)
    local moved = spread.moved(before, spread.map(pool, KEYS, function(i) return fields(c, i) end))
    expect(moved <= share + 0.02, "%s had %.3f of the requests, but %.3f moved when it went",
      gone, share, moved)
  end)

local ROUND = 2000

-- Seconds of CPU and bytes of garbage per pick: the least of three rounds of the light path, which
-- costs little itself.
local function measure(c)
  local balancer, records = pool_of(c, 4).balancer, {}
  balancer.fused:trust()
  for i = 1, 100 do records[i] = balancer:request(fields(c, i)) end
  local function round()
    for i = 1, ROUND do
      local record = records[i % 100 + 1]
      balancer:renew(record)
      balancer:pick(record)
    end
  end
  round() -- makes what is made only once
  local seconds, bytes = math.huge, math.huge
  collectgarbage()
  collectgarbage "stop"
  for _ = 1, 3 do
    local began, before = os.clock(), collectgarbage "count"
    round()
    seconds = math.min(seconds, os.clock() - began)
    bytes = math.min(bytes, (collectgarbage "count" - before) * 1024)
  end
  collectgarbage "restart"
  return seconds / ROUND, math.max(0, bytes / ROUND)
end

promise("takes little time, and makes little garbage", function(c)
  local seconds, bytes = measure(c)
  expect(seconds * 1e6 <= c.o.microseconds, "a pick takes %.1f µs (at most %g, unless you say "
    .. "`microseconds = …`)", seconds * 1e6, c.o.microseconds)
  expect(bytes <= c.o.bytes, "a pick leaves %.0f bytes of garbage (at most %g, unless you say "
    .. "`bytes = …`)", bytes, c.o.bytes)
end)

local function name_of(policy, o)
  if o.name then return o.name end
  return type(policy) == "string" and policy or "a policy"
end

-- What busted is at, by the innermost of its elements on the stack: "file", "describe", "it", …
local function element_kind()
  for level = 3, 100 do
    local info = debug.getinfo(level, "S")
    if not info then return nil end
    for i = 1, 20 do
      local name, value = debug.getlocal(level, i)
      if not name then break end
      if type(value) == "table" and type(rawget(value, "descriptor")) == "string" then
        return value.descriptor
      end
    end
  end
end

-- busted, while it collects describe blocks and specs.
local function collecting()
  local busted = package.loaded.busted
  if not busted then return nil end
  local kind = element_kind()
  return (kind == "file" or kind == "describe") and busted or nil
end

local function run_all(c)
  local broken = {}
  for _, one in ipairs(promises) do
    local ok, why = pcall(one.check, c)
    if not ok then table.insert(broken, ("%s: %s"):format(one.text, tostring(why))) end
  end
  if #broken > 0 then
    error(("%s breaks the contract:\n%s"):format(c.name, table.concat(broken, "\n")), 0)
  end
end

---@param policy string|table|function
---@param given table?
function contract.check(policy, given)
  local o = options_of(given)
  local c = { policy = policy, o = o, name = name_of(policy, o) }
  local busted = collecting()
  if not busted then
    run_all(c)
    return
  end
  busted.describe("the contract of " .. c.name, function()
    for _, one in ipairs(promises) do
      busted.it(one.text, function()
        local ok, why = pcall(one.check, c)
        if not ok then require("luassert")(false, tostring(why)) end
      end)
    end
  end)
end

return contract
