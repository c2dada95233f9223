-- Backends that are where neap itself listens: a request for them would come back, and go round.

local address = require "neap.config.address"

local loops = {}

local ANY = { ["*"] = true, ["0.0.0.0"] = true, ["0:0:0:0:0:0:0:0"] = true }

local function is_loopback(host) return host:find "^127%." ~= nil or host == "0:0:0:0:0:0:0:1" end

-- The address in the form that listeners have; nil: it is a name.
local function place_of(host, port)
  if host:lower():find "^localhost%.?$" then host = "127.0.0.1" end
  if not address.is_ipv4(host) and not address.is_ipv6(host) then return nil end
  return address.listen(address.with_port(host, port))
end

local function is_at(place, listen, is_ours)
  if place.port ~= listen.port or not listen.host then return false end
  if place.host == listen.host or ANY[place.host] then return true end
  if not ANY[listen.host] then return false end
  return is_loopback(place.host) or (is_ours ~= nil and is_ours(place.text))
end

local parsed = setmetatable({}, { __mode = "k" }) -- service → what it listens on

local function listens_of(service)
  local list = parsed[service]
  if list then return list end
  list = {}
  for _, text in ipairs(service.listen or {}) do
    if type(text) == "string" then table.insert(list, address.listen(text)) end
  end
  parsed[service] = list
  return list
end

local function find(service, place, is_ours)
  for _, listen in ipairs(listens_of(service)) do
    if place.identity == listen.identity or is_at(place, listen, is_ours) then
      return listen.text
    end
  end
end

local function place_of_backend(backend)
  if backend.path ~= "" then return { identity = "unix:" .. backend.path } end
  return place_of(backend.host, backend.port)
end

-- Only services that use the pool: one service may well stand before another one.
local function why_round(place, pool, services, is_ours)
  for _, service in ipairs(place and services or {}) do
    local text = service.pool == pool.name and find(service, place, is_ours)
    if text then
      return ("this is where neap itself listens for service %s (%s): its requests would go round "
        .. "for ever (expected another address)"):format(service.name, text)
    end
  end
end

-- A backend of the config, or of a list that came later.
---@param backend table  path, host, port
---@param pool table     name
---@param services table[]  of the config: name, pool, listen (texts)
---@return string? why  it leads to neap itself
function loops.backend(backend, pool, services)
  return why_round(place_of_backend(backend), pool, services)
end

-- An address that a backend's name has.
---@param ip string
---@param port integer
---@param pool table
---@param services table[]
---@param is_ours fun(ip: string): boolean  is it an address of this machine?
---@return string? why
function loops.address(ip, port, pool, services, is_ours)
  return why_round(place_of(ip, port), pool, services, function() return is_ours(ip) end)
end

---@param services table[]
---@param pools table[]
---@param report table
function loops.check(services, pools, report)
  for _, pool in ipairs(pools) do
    for _, backend in ipairs(pool.backends) do
      local why = loops.backend(backend, pool, services)
      if why then report:add(backend.key, why) end
    end
  end
end

return loops
