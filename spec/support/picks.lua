-- Policies asked by themselves, within the real balancer: one neap whose policy does not serve, but
-- calls `pick` of the policy that a request names and answers with what came out.
--
--   picks.start{ policies = { label = 'require "neap.policy.hash" { … }', … },
--                pools = { name = 'backends = { … }', … }, more = "" } → p
--       In these texts, `keys` is a key function that gives another key each time.
--   p:ask(label, pool, n) → { counts = { [backend's name] = n, … }, foreign = picks that were not
--       in the pool, bytes = garbage a pick, none = picks of nothing }
--   p:map(label, pool, n) → list of the names picked for key1 … keyn
--   p:send(label, pool) → response   a request that the policy really serves, in this pool
--   p:set(pool, state, index)        down, up or drain for one backend, or all of them
--   p.n   the neap
--   picks.backends(count, first = 1, more) → config text of a list of backends nobody serves

local cjson = require "cjson"
local client = require "support.client"
local neap = require "support.neap"

local picks = {}
local Picks = {}
Picks.__index = Picks

local DRIVER = [[
local neap = require "neap"
local serial = 0
local function keys() serial = serial + 1 return "key" .. serial end
local policies = { %s }
local function ask(policy, pool, request, n)
  local members, counts, foreign, none = {}, {}, 0, 0
  for i = 1, #pool do members[pool[i] ] = true counts[pool[i].name] = 0 end
  for _ = 1, 50 do policy.pick(request, pool) end -- what is made once
  local before = collectgarbage "count"
  for _ = 1, n do
    local backend = policy.pick(request, pool)
    if backend == nil then
      none = none + 1
    elseif members[backend] then
      counts[backend.name] = counts[backend.name] + 1
    else
      foreign = foreign + 1
    end
  end
  local bytes = math.max(0, collectgarbage "count" - before) * 1024 / n
  return { counts = counts, foreign = foreign, none = none, bytes = bytes }
end
local function map(policy, pool, request, n)
  local list = {}
  serial = 0
  for i = 1, n do list[i] = policy.pick(request, pool).name end
  return list
end
local driver = {}
function driver.request(request)
  local verb, a, b, c = request.path:match "^/(%%w+)/([%%w_]+)/([%%w_]+)/([%%w_]+)"
  if verb == "ask" then
    local found = ask(policies[a], neap.pool(b), request, tonumber(c))
    return neap.reply { body = neap.json.encode(found) }
  elseif verb == "map" then
    local list = map(policies[a], neap.pool(b), request, tonumber(c))
    return neap.reply { body = neap.json.encode(list) }
  elseif verb == "set" then
    for i, backend in ipairs(neap.pool(a).all) do
      if c == "all" or tonumber(c) == i then backend[b](backend) end
    end
    return neap.reply { body = "" }
  end
  request.ctx.policy, request.ctx.pool = policies[a], b
end
function driver.backends(request) return neap.pool(request.ctx.pool) end
function driver.pick(request, pool) return request.ctx.policy.pick(request, pool) end
return driver
]]

function picks.backends(count, first, more)
  local list = {}
  for port = first or 1, (first or 1) + count - 1 do
    table.insert(list, ('{ url = "http://127.0.0.1:%d"%s }'):format(port, more or ""))
  end
  return table.concat(list, ", ")
end

local function in_order(map, form)
  local names, parts = {}, {}
  for name in pairs(map) do table.insert(names, name) end
  table.sort(names)
  for _, name in ipairs(names) do table.insert(parts, form:format(name, map[name])) end
  return table.concat(parts, "\n"), names
end

function picks.start(options)
  local pools, names = in_order(options.pools, '%s = { health = { type = "none" }, %s },')
  local n = neap.start {
    config = ('return { workers = 1, services = { { listen = "127.0.0.1:0", pool = "%s", '
      .. 'policy = "driver.lua" } }, pools = { %s } %s }')
      :format(names[1], pools, options.more or ""),
    files = { ["driver.lua"] = DRIVER:format((in_order(options.policies, "%s = %s,"))) },
  }
  return setmetatable({ n = n }, Picks)
end

local SHARE = 600 -- picks in one hook, which has 50 ms of CPU time

local function ask_once(self, label, pool, count)
  local response = self.n:get(("/ask/%s/%s/%d"):format(label, pool, count))
  assert(response.status == 200, response.raw)
  return cjson.decode(response.body)
end

local function add(sum, found, n)
  for name, picked in pairs(found.counts) do
    sum.counts[name] = (sum.counts[name] or 0) + picked
  end
  sum.foreign, sum.none = sum.foreign + found.foreign, sum.none + found.none
  sum.bytes = sum.bytes + found.bytes * n
end

function Picks:ask(label, pool, count)
  local sum, left = { counts = {}, foreign = 0, none = 0, bytes = 0 }, count
  repeat
    local n = math.min(left, SHARE)
    add(sum, ask_once(self, label, pool, n), n)
    left = left - n
  until left == 0
  sum.bytes = sum.bytes / count
  return sum
end

function Picks:map(label, pool, count)
  local response = self.n:get(("/map/%s/%s/%d"):format(label, pool, count))
  assert(response.status == 200, response.raw)
  return cjson.decode(response.body)
end

function Picks:send(label, pool)
  return client.get(self.n.address, ("/send/%s/%s/1"):format(label, pool))
end

function Picks:set(pool, state, index)
  local response = self.n:get(("/set/%s/%s/%s"):format(pool, state, index or "all"))
  assert(response.status == 200, response.raw)
end

return picks
