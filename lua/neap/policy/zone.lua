-- Near backends first: those whose `zone` is `near` get all requests while enough of them are up.
-- Below `threshold` (the share, by weight, of the near ones that serve) a part spills over to the
-- whole pool, which grows as fewer are left. `policy` chooses within either.

local neap = require "neap"
local options = require "neap.options"

-- The weight of a zone's backends in one tier.
local function weight_in(list, zone, tier)
  local sum = 0
  for i = 1, #list do
    if list[i].zone == zone and list[i].tier == tier then sum = sum + list[i].weight end
  end
  return sum
end

return function(given)
  local o = options.read("zone", given, {
    { "near", "text", default = os.getenv "NEAP_ZONE" },
    { "threshold", "number", min = 0.01, max = 1, default = 0.7 },
    { "policy", "policy", default = "round_robin" },
  })
  -- pool → the share of requests that stays near; made anew with the pool
  local shares = setmetatable({}, { __mode = "k" })
  local policy = {}

  local function share_of(pool)
    local tier = pool[1].tier
    local serving, all = weight_in(pool, o.near, tier), weight_in(pool.all, o.near, tier)
    local share = all > 0 and serving / (all * o.threshold) or 0
    shares[pool] = share
    return share
  end

  function policy.pick(request, pool)
    local share = o.near and (shares[pool] or share_of(pool)) or 0
    if share > 0 and (share >= 1 or neap.random() < share) then
      pool = pool:where("zone", o.near)
    end
    return o.policy.pick(request, pool)
  end

  return options.around(policy, o.policy)
end
