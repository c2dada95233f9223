-- Backends from DNS: each address (A, AAAA) of a name is one. They are looked up again when their
-- time to live is over, after `interval` at the latest.

local address = require "neap.config.address"
local dns = require "neap.io.dns"
local neap = require "neap"

local LEAST = 1 -- seconds between two lookups
local FAMILIES = { "A", "AAAA" }

-- The addresses of a family of which nothing is heard stay as they were.
local function look_up(settings, known)
  local least, reason
  for _, kind in ipairs(FAMILIES) do
    local addresses, ttl = dns.records(settings.name, kind)
    if not addresses then
      reason = ("%s: %s"):format(settings.name, ttl)
    else
      known[kind] = addresses
      if ttl >= 0 then least = math.min(ttl, least or ttl) end
    end
    if not addresses and not known[kind] then return nil, reason end
  end
  return least or LEAST, reason
end

local function members_of(settings, known)
  local list = {}
  for _, kind in ipairs(FAMILIES) do
    for _, host in ipairs(known[kind]) do
      table.insert(list, address.with_port(host, settings.port))
    end
  end
  table.sort(list) -- answers come in any order
  return list
end

return function(settings, registry)
  local known = registry.memory
  while true do
    local ttl, why = look_up(settings, known)
    if not ttl then return nil, why end
    local list = members_of(settings, known)
    registry:list(list)
    if why then return nil, why end
    neap.sleep(math.min(math.max(ttl, LEAST), settings.interval))
  end
end
