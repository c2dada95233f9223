-- Each client may send `rate` requests per `per` seconds, and `burst` at once; what is more gets
-- 429 with Retry-After. A client is what `key` says: its address (IPv6 by /64), a header, a cookie,
-- a claim of its token, or what a function returns; a request without a key is not limited. The
-- count is one over all workers. `policy` chooses among the backends; if it has a hook `request`,
-- that runs first, so that tokens are verified before their claims are believed.

local neap = require "neap"
local options = require "neap.options"

local CACHED_SECONDS = 60

-- What a refused client gets, by seconds until it may come again. (draft-ietf-httpapi-ratelimit-
-- headers: the quota is a whole burst, in the time in which it comes back.)
local function refusals(limit, about)
  local replies = {}

  local function make(seconds)
    return neap.reply {
      status = 429, body = "Too many requests\n",
      headers = {
        ["Content-Type"] = "text/plain; charset=utf-8",
        ["Retry-After"] = seconds,
        ["RateLimit-Policy"] = about(),
        ["RateLimit"] = ('"%s";r=0;t=%d'):format(limit.name, seconds),
        ["x-neap-error"] = "rate limit",
      },
    }
  end

  return function(wait)
    local seconds = math.max(1, math.ceil(math.min(wait, 1e9)))
    local reply = replies[seconds]
    if not reply then
      reply = make(seconds)
      if seconds <= CACHED_SECONDS then replies[seconds] = reply end
    end
    return reply
  end
end

-- The field that says what the limit is.
local function describes(limit, burst, window)
  return function() return ('"%s";q=%d;w=%d'):format(limit.name, burst, window) end
end

-- Tells clients that pass what they have left.
local function tell(policy, limit, key, about)
  function policy.response(request, _, response)
    local of = key(request)
    if of == nil then return end
    local left, reset = limit:look(of)
    response:set_header("RateLimit-Policy", about())
    response:set_header("RateLimit", ('"%s";r=%d;t=%d'):format(limit.name, left,
      math.ceil(reset)))
  end
end

return function(given)
  local o = options.read("rate_limit", given, {
    { "rate", "number", min = 1e-6, max = 1e9, default = 100 },
    { "per", "number", min = 1e-3, max = 1e9, default = 1 },
    { "burst", "number", min = 1, max = 1e9 },
    { "store", "text" },
    { "name", "token" },
    { "key", "client", default = "address" },
    { "headers", "boolean", default = false },
    { "policy", "policy", default = "round_robin" },
  })
  local limit = neap.limit { rate = o.rate, per = o.per, burst = o.burst, store = o.store,
    name = o.name }
  local key, inner = o.key, o.policy.request
  local burst = math.floor(o.burst or math.max(1, o.rate))
  local about = describes(limit, burst, math.max(1, math.ceil(burst * o.per / o.rate)))
  local reply = refusals(limit, about)
  local policy = {}

  function policy.request(request)
    if inner then
      local answer = inner(request)
      if answer ~= nil then return answer end
    end
    local of = key(request)
    if of == nil then return end
    local passes, wait = limit:take(of)
    if not passes then return reply(wait) end
  end

  if o.headers then tell(policy, limit, key, about) end
  return options.around(policy, o.policy)
end
