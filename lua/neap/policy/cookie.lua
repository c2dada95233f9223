-- Persistence: a browser stays with the backend that answered it first, by a cookie. The cookie
-- holds nothing but a digest (HMAC-SHA-256) of the backend's name: it cannot be forged without the
-- key, and tells nobody what is behind. What is not such a digest is ignored, and a new cookie is
-- issued with the answer; so it is when the backend is gone or down. A draining backend keeps those
-- who are with it. Who has no cookie is sent where `fallback` says.

local neap = require "neap"
local options = require "neap.options"

local DIGITS = 32 -- of the digest: 128 bits

-- What stands behind the value: "; Path=/; HttpOnly; SameSite=Lax…".
local function attributes(o)
  local text = ("; Path=%s; HttpOnly; SameSite=%s"):format(o.path, o.same_site)
  if o.domain then text = text .. "; Domain=" .. o.domain end
  if o.max_age then text = text .. ("; Max-Age=%d"):format(o.max_age) end
  return text
end

-- The cookie values of backends, both ways; made anew when the members of a pool have changed.
local function directory(key)
  local pools = {} -- by name of a pool
  local values = setmetatable({}, { __mode = "k" }) -- backend → value

  -- Of thousands this takes a while: should the fuse end it, the next call goes on from there.
  local function read(pool)
    local new = { all = pool.all, backend_of = {} }
    key = key or neap.secret()
    for i = 1, #pool.all do
      local backend = pool.all[i]
      local value = values[backend]
      if not value then
        value = neap.hmac(key, pool.name .. "\0" .. backend.name):sub(1, DIGITS)
        values[backend] = value
      end
      new.backend_of[value] = backend
    end
    pools[pool.name] = new
    return new
  end

  local function backends_in(pool)
    local known = pools[pool.name]
    return (known and known.all == pool.all and known or read(pool)).backend_of
  end

  return backends_in, values
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

-- Is it well, only full? Not after a failure: that may have been its own.
local function waits_for(pool, backend, request)
  if request.attempt > 1 or (backend.state ~= "up" and backend.state ~= "unknown") then
    return false
  end
  local slots = backend.slots
  return slots ~= nil and backend.inflight >= slots and backend.tier <= pool[1].tier
end

return function(given)
  local o = options.read("cookie", given, {
    { "name", "token", default = "neap" },
    { "key", "text" },
    { "path", "attribute", default = "/" },
    { "domain", "token" },
    { "max_age", "integer", min = 1, max = 34560000 },
    { "same_site", "choice", of = { "Lax", "Strict", "None" }, default = "Lax" },
    { "secure", "boolean", default = false },
    { "full", "choice", of = { "move", "queue" }, default = "move" },
    { "fallback", "policy", default = "round_robin" },
  })
  local backends_in, values = directory(o.key)
  local behind = attributes(o)
  local is_secure = o.secure or o.same_site == "None" -- browsers take the one with the other only
  local policy = {}

  function policy.pick(request, pool)
    local known, value = backends_in(pool), request:cookie(o.name)
    local own = value and known[value]
    local backend = own and holder(pool, own, request.attempt == 1)
    if backend then return backend end
    if own and o.full == "queue" and waits_for(pool, own, request) then return nil, "queue" end
    return o.fallback.pick(request, pool)
  end

  -- Whoever answered is the one to stay with.
  function policy.response(request, backend, response)
    local value = values[backend]
    if not value or request:cookie(o.name) == value then return end
    local secure = (is_secure or request.scheme == "https") and "; Secure" or ""
    response:add_header("Set-Cookie", o.name .. "=" .. value .. behind .. secure)
  end

  return options.around(policy, o.fallback)
end
