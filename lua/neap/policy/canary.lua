-- A part of the requests tries the next release: a `share` of them, and those with the `header` or
-- the `cookie`. With `key` the share is sticky: the same key is always in or always out, and stays
-- in when the share grows. The next release runs where `tag` has the value `canary`, the current
-- one where it has `stable` (by default: where the tag is not set). If no backend of one release is
-- up, the other takes its requests; `policy` chooses within either.

local neap = require "neap"
local options = require "neap.options"

local SEED = 3 -- not that of `hash`, or each release would see only a part of the places there

return function(given)
  local o = options.read("canary", given, {
    { "share", "number", min = 0, max = 1, default = 0.05 },
    { "header", "token" },
    { "cookie", "token" },
    { "key", "key" },
    { "tag", "token", default = "canary" },
    { "canary", "value", default = true },
    { "stable", "value" },
    { "policy", "policy", default = "round_robin" },
  })
  -- pool → its part that is no canary
  local stable = setmetatable({}, { __mode = "k" })
  local policy = {}

  local function is_in(request)
    local asked = o.header and request:header(o.header) or o.cookie and request:cookie(o.cookie)
    if asked then return asked ~= "0" and asked ~= "never" end
    local key = o.key and o.key(request)
    if key ~= nil then return neap.hash(tostring(key), SEED) < o.share * 4294967296 end
    return neap.random() < o.share
  end

  local function stable_of(pool)
    local part = stable[pool]
    if not part then
      part = pool:where(o.tag, o.stable)
      stable[pool] = part
    end
    return part
  end

  function policy.pick(request, pool)
    local part = is_in(request) and pool:where(o.tag, o.canary) or stable_of(pool)
    return o.policy.pick(request, #part > 0 and part or pool)
  end

  return options.around(policy, o.policy)
end
