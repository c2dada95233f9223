-- Backends from SRV records (RFC 2782): each has its port and its weight, and its priority is a
-- tier. They are looked up again when their time to live is over, after `interval` at the latest.

local dns = require "neap.io.dns"
local neap = require "neap"

local LEAST = 1 -- seconds between two lookups
local WEIGHT_MAX = 1000

-- The priorities that there are, lowest first, as tiers from 0 on.
local function tiers_of(records)
  local seen, list, tiers = {}, {}, {}
  for _, record in ipairs(records) do
    if not seen[record.priority] then table.insert(list, record.priority) end
    seen[record.priority] = true
  end
  table.sort(list)
  for i, priority in ipairs(list) do tiers[priority] = i - 1 end
  return tiers
end

-- Weights go up to 65535 there; 0 means a very small share, and not none.
local function weight_of(record, most)
  local scale = most > WEIGHT_MAX and WEIGHT_MAX / most or 1
  return math.max(1, math.floor(record.weight * scale + 0.5))
end

local function members_of(records)
  local most, tiers, list = 0, tiers_of(records), {}
  for _, record in ipairs(records) do most = math.max(most, record.weight) end
  for _, record in ipairs(records) do
    if record.target ~= "." then -- the service is decidedly not available
      table.insert(list, {
        url = ("%s:%d"):format(record.target, record.port), tier = tiers[record.priority],
        weight = weight_of(record, most),
      })
    end
  end
  table.sort(list, function(a, b) return a.url < b.url end) -- answers come in any order
  return list
end

return function(settings, registry)
  while true do
    local records, ttl = dns.records(settings.name, "SRV")
    if not records then return nil, ("%s: %s"):format(settings.name, ttl) end
    registry:list(members_of(records))
    neap.sleep(math.min(math.max(ttl, LEAST), settings.interval))
  end
end
