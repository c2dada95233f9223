-- Persistence: a browser stays with the backend that answered it first, by a cookie. The cookie is
-- nothing but a digest (HMAC-SHA-256) of the backend's name: it cannot be forged without the key,
-- and tells nobody about the backends. Any other value is ignored, and a new cookie is issued with
-- the answer; the same happens when the backend is gone or down. A draining backend keeps its
-- clients. A client without a cookie goes where `fallback` says. Each pool has a name of its own
-- for its cookie, so that two pools of one host do not overwrite each other's.
--
-- With `indirect = true` the backends do not see our cookie. With `nocache = true` an answer that
-- sets one says `Cache-Control: private`, so that no cache on the way gives it to others.

local neap = require "neap"
local options = require "neap.options"

local DIGITS = 32 -- of the digest: 128 bits
local OURS = {} -- in request.ctx: the value of our cookie that the request came with

-- What follows the value: "; Path=/; HttpOnly; SameSite=Lax…".
local function attributes(o)
  local text = ("; Path=%s; HttpOnly; SameSite=%s"):format(o.path, o.same_site)
  if o.domain then text = text .. "; Domain=" .. o.domain end
  if o.max_age then text = text .. ("; Max-Age=%d"):format(o.max_age) end
  return text
end

-- The cookie values of backends, both ways; made anew when the members of a pool have changed.
local function directory(key)
  local pools = {} -- by name of a pool
  local entries = setmetatable({}, { __mode = "k" }) -- backend → { value, pool }

  local function entry_of(backend, pool)
    local entry = entries[backend]
    if not entry then
      local digest = neap.hmac(key, pool .. "\0" .. backend.name)
      entry = { value = digest:sub(1, DIGITS), pool = pool }
      entries[backend] = entry
    end
    return entry
  end

  -- For thousands this takes a while: if the fuse ends it, the next call goes on from there.
  local function read(pool)
    local new = { all = pool.all, backend_of = {} }
    key = key or neap.secret()
    for i = 1, #pool.all do
      new.backend_of[entry_of(pool.all[i], pool.name).value] = pool.all[i]
    end
    pools[pool.name] = new
    return new
  end

  local function backends_in(pool)
    local known = pools[pool.name]
    return (known and known.all == pool.all and known or read(pool)).backend_of
  end

  local function known_in(name) return pools[name].backend_of end

  return backends_in, entries, known_in
end

-- The backend of this cookie, if it may serve this request.
local function holder(pool, backend, is_first_attempt)
  if not pool:find(backend.name) then return nil end
  if backend.state == "drain" or backend.weight == 0 then
    local slots = backend.slots
    if not is_first_attempt or (slots and backend.inflight >= slots) then return nil end
  end
  return backend
end

-- Is it up and only full? Not after a failed attempt, which may have been on this backend.
local function waits_for(pool, backend, request)
  if request.attempt > 1 or (backend.state ~= "up" and backend.state ~= "unknown") then
    return false
  end
  local slots = backend.slots
  return slots ~= nil and backend.inflight >= slots and backend.tier <= pool[1].tier
end

-- `neap` and eight digits that stand for the pool; or the name that the config gives.
local function names(given)
  local known = {}
  return function(pool)
    local name = given or known[pool]
    if not name then
      name = ("neap%08x"):format(neap.hash(pool))
      known[pool] = name
    end
    return name
  end
end

-- The value that stands for a backend: mostly the first, but old ones may come before it.
local function valid_value(request, name, known)
  local value = request:cookie(name)
  if not value or known[value] then return value end
  for _, other in ipairs(request:cookies(name)) do
    if known[other] then return other end
  end
  return value
end

-- The Cookie field without our cookies; nil: nothing is left.
local function without(field, name)
  local kept = {}
  for item in field:gmatch "[^;]+" do
    local text = item:match "^[ \t]*(.*)$"
    if text ~= "" and text:match "^[^= \t]*" ~= name then table.insert(kept, text) end
  end
  return #kept > 0 and table.concat(kept, "; ") or nil
end

-- The cookie that the request came with. If backends are not to see it, the first pick remembers
-- it.
local function remembered(request, name, known)
  local value = request.ctx[OURS]
  if value then return value end
  value = valid_value(request, name, known)
  if value then
    request.ctx[OURS] = value
    request:set_header("Cookie", without(request:header "cookie", name))
  end
  return value
end

local function keep_private(response)
  local control = (response:header "cache-control" or ""):lower()
  if not control:find("private", 1, true) and not control:find("no-store", 1, true) then
    response:add_header("Cache-Control", "private")
  end
end

return function(given)
  local o = options.read("cookie", given, {
    { "name", "token" },
    { "key", "text" },
    { "path", "attribute", default = "/" },
    { "domain", "token" },
    { "max_age", "integer", min = 1, max = 34560000 },
    { "same_site", "choice", of = { "Lax", "Strict", "None" }, default = "Lax" },
    { "secure", "boolean", default = false },
    { "indirect", "boolean", default = false },
    { "nocache", "boolean", default = false },
    { "full", "choice", of = { "move", "queue" }, default = "move" },
    { "fallback", "policy", default = "round_robin" },
  })
  local backends_in, entries, known_in = directory(o.key)
  local name_of, behind = names(o.name), attributes(o)
  local is_secure = o.secure or o.same_site == "None" -- browsers take that only with Secure
  local value_of = o.indirect and remembered or valid_value
  local policy = {}

  function policy.pick(request, pool)
    local known = backends_in(pool)
    local value = value_of(request, name_of(pool.name), known)
    local own = value and known[value]
    local backend = own and holder(pool, own, request.attempt == 1)
    if backend then return backend end
    if own and o.full == "queue" and waits_for(pool, own, request) then return nil, "queue" end
    return o.fallback.pick(request, pool)
  end

  -- The session stays with the backend that answered.
  function policy.response(request, backend, response)
    local entry = entries[backend]
    if not entry then return end
    local name, known = name_of(entry.pool), known_in(entry.pool)
    if value_of(request, name, known) == entry.value then return end
    local secure = (is_secure or request.scheme == "https") and "; Secure" or ""
    response:add_header("Set-Cookie", name .. "=" .. entry.value .. behind .. secure)
    if o.nocache then keep_private(response) end
  end

  return options.around(policy, o.fallback)
end
