-- `neap -t`: settings that are allowed, but of no use, or that do not go together.

local health = require "neap.config.health"
local show = require "neap.config.show"

local doubts = {}

local OVER_TLS = { https = true, tls = true }

-- With send_proxy each connection is one client's.
local function has_send_proxy(pool)
  if pool.send_proxy then return true end
  for _, backend in ipairs(pool.backends) do
    if backend.send_proxy then return true end
  end
  return false
end

-- A check may speak TLS where requests do not.
local function uses_tls(pool)
  for _, backend in ipairs(pool.backends) do
    if OVER_TLS[backend.scheme] then return true end
  end
  for _, settings in ipairs(health.list(pool.health)) do
    if settings.type == "https" or settings.tls then return true end
  end
  return #pool.backends == 0
end

local function says_whom_to_trust(pool)
  return pool.tls and (pool.tls.ca or pool.tls.verify == false)
end

-- Policies may bring backends and checks of their own.
local function is_known_whole(policies)
  for _, policy in pairs(policies) do
    if policy.discover or policy.check then return false end
  end
  return true
end

local function has_grpc_check(pool)
  for _, settings in ipairs(health.list(pool.health)) do
    if settings.type == "grpc" then return true end
  end
  return false
end

-- Where an agent listens is said nowhere, so that the backend itself would be asked.
local function lacks_agent_port(pool)
  for _, settings in ipairs(health.list(pool.health)) do
    if settings.type == "agent" and not (settings.port or settings.address) then
      for _, backend in ipairs(pool.backends) do
        local own = backend.health or {}
        if not (own.port or own.address) then return true end
      end
    end
  end
  return false
end

-- Whose key http2 is: beside a service's own backends it is about the clients.
local function place_of_http2(pool)
  if pool.key:find "^pools" then return show.path(pool.key, "http2") .. " = true" end
  return "a pool in pools, with http2 = true there: in the service it is about clients"
end

local function of_pool(pool, add, is_whole)
  if pool.http2 and has_send_proxy(pool) then
    add(show.path(pool.key, "http2"), "backends with send_proxy are spoken to in HTTP/1.1")
  end
  if not pool.http2 and has_grpc_check(pool) then
    add(show.path(pool.key, "health"), "the checks speak gRPC, but requests go to the backends in "
      .. "HTTP/1.1, which gRPC servers do not understand; expected " .. place_of_http2(pool))
  end
  if lacks_agent_port(pool) then
    add(show.path(pool.key, "health"), "its agent has no port of its own: the backend itself would "
      .. "be asked (expected port, here or in health of each backend)")
  end
  if is_whole and says_whom_to_trust(pool) and not uses_tls(pool) then
    add(show.path(pool.key, "tls"), "its verify and ca are about https:// and tls:// backends, "
      .. "and there are none")
  end
end

---@param path string  of the config
---@param config table
---@param policies table<integer, table>  by number of a service, from 0
---@param own table<integer, table>  those of pools, by number from 0
---@return string[]  -- a line each
function doubts.lines(path, config, policies, own)
  local lines = {}
  local function add(key, text) table.insert(lines, ("%s: %s: %s"):format(path, key, text)) end
  for i, service in ipairs(config.services) do
    local policy = policies[i - 1]
    if policy and policy.certificate and not service.tls then
      add(service.policy_key or "policy", "its hook certificate is never asked: the service has no "
        .. "tls")
    end
  end
  local is_whole = is_known_whole(policies) and is_known_whole(own)
  for _, pool in ipairs(config.pools) do of_pool(pool, add, is_whole) end
  return lines
end

return doubts
