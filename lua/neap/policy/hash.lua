-- The same key goes to the same backend as long as that serves; when one comes or goes, only its
-- own share of the keys moves. By rendezvous hashing (Thaler and Ravishankar 1998), or with `maglev
-- = true` by the table of Maglev (Eisenbud et al. 2016, §3.4), which costs the same for any number
-- of backends. With `bound = 1.25` none gets more than 1.25 times the average load (Mirrokni et al.
-- 2016): requests that are too much for one go to the next of that key.

local maglev = require "neap.maglev"
local neap = require "neap"
local options = require "neap.options"

local TRIES = 16

local function by_name(a, b) return a.name < b.name end

-- The table of a pool: over all members, whether they serve or not, so that it is made again only
-- when members or weights change.
local function build(all, old, size)
  local members, names, weights = {}, {}, {}
  for i = 1, #all do
    if all[i].weight > 0 then table.insert(members, all[i]) end
  end
  table.sort(members, by_name)
  local is_same = old ~= nil and #members == #old.members
  for i = 1, #members do
    names[i], weights[i] = members[i].name, members[i].weight
    is_same = is_same and names[i] == old.names[i] and weights[i] == old.weights[i]
  end
  return {
    all = all, members = members, names = names, weights = weights,
    entries = is_same and old.entries or maglev.fill(names, weights, size),
  }
end

-- A function(pool, key, try) → the backend of a key; with `try`, the next ones.
local function rendezvous(pool, key, try)
  return pool:hash(try == 0 and key or key .. "\0" .. try)
end

local function lookup_in_table(size)
  local tables = {} -- by name of a pool
  local serving = setmetatable({}, { __mode = "k" }) -- pool → set of its backends

  local function set_of(pool)
    local set = {}
    for i = 1, #pool do set[pool[i]] = true end
    serving[pool] = set
    return set
  end

  return function(pool, key, try)
    local known = tables[pool.name]
    if not known or known.all ~= pool.all then
      known = build(pool.all, known, size)
      tables[pool.name] = known
    end
    local set = serving[pool] or set_of(pool)
    for i = try * TRIES, try * TRIES + TRIES - 1 do
      local backend = known.members[known.entries[neap.hash(key, i) % size + 1]]
      if set[backend] then return backend end
    end
    return rendezvous(pool, key, try) -- hardly any backend is up
  end
end

-- A function(pool) that adds up its load once per turn of the loop, and then adds one for each
-- request.
local function sums_of_pools()
  local sums = setmetatable({}, { __mode = "k" }) -- pool → { time, load, weight }

  local function read(pool, now)
    local sum = sums[pool]
    if not sum then
      sum = {}
      sums[pool] = sum
    end
    local load, weight = 0, 0
    for i = 1, #pool do
      load, weight = load + pool[i].inflight, weight + pool[i].weight
    end
    sum.time, sum.load, sum.weight = now, load, weight
    return sum
  end

  return function(pool)
    local now, sum = neap.now(), sums[pool]
    if not sum or sum.time ~= now then sum = read(pool, now) end
    sum.load = sum.load + 1
    return sum
  end
end

-- Is its load, with one more, still within the bound of the average?
local function has_room(backend, sum, bound)
  return backend.inflight + 1 <= math.ceil(bound * sum.load * backend.weight / sum.weight)
end

return function(given)
  local o = options.read("hash", given, {
    { "key", "key", default = "path" },
    { "maglev", "boolean", default = false },
    { "size", "integer", min = 101, max = 1048573, default = 65537 },
    { "bound", "number", min = 1.01, max = 100, default = false },
    { "fallback", "policy", default = "round_robin" },
  })
  if not maglev.is_prime(o.size) then
    error(("policy hash: size: %d is not a prime (expected one, like 65537)"):format(o.size), 2)
  end
  local find = o.maglev and lookup_in_table(o.size) or rendezvous
  local sum_of = sums_of_pools()
  local policy = {}

  function policy.pick(request, pool)
    local key = o.key(request)
    if key == nil then return o.fallback.pick(request, pool) end
    key = tostring(key)
    local backend = find(pool, key, 0)
    if not o.bound then return backend end
    local sum = sum_of(pool)
    for try = 1, TRIES do
      if has_room(backend, sum, o.bound) then return backend end
      backend = find(pool, key, try)
    end
    return pool:least_loaded()
  end

  return options.around(policy, o.fallback)
end
