-- EndpointSlices of Kubernetes (discovery.k8s.io/v1) as members of a pool.

local address = require "neap.config.address"
local sorted = require "neap.sorted"

local slices = {}

local function list_of(value) return type(value) == "table" and value or {} end

-- The port by its number or name; without one, the only or the first.
local function port_of(slice, wanted)
  for _, port in ipairs(list_of(slice.ports)) do
    if type(port) == "table" and type(port.port) == "number" then
      if not wanted or port.name == wanted or port.port == wanted then return port.port end
    end
  end
  return type(wanted) == "number" and wanted or nil
end

-- Whether it gets anything at all, and why it drains.
---@return boolean serves, string? drains
local function condition_of(endpoint)
  local conditions = list_of(endpoint.conditions)
  local is_terminating = conditions.terminating == true
  local serves = conditions.serving
  if type(serves) ~= "boolean" then serves = conditions.ready ~= false end
  if is_terminating then return serves, "terminating" end
  return conditions.ready ~= false
end

local function is_for(endpoint, zone)
  for _, hint in ipairs(list_of(list_of(endpoint.hints).forZones)) do
    if type(hint) == "table" and hint.name == zone then return true end
  end
  return false
end

local function has_hints(endpoint) return list_of(list_of(endpoint.hints).forZones)[1] ~= nil end

local function text_of(value) return type(value) == "string" and value or nil end

local function tags_of(endpoint)
  local target = list_of(endpoint.targetRef)
  return { pod = text_of(target.name), node = text_of(endpoint.nodeName) }
end

-- An endpoint whose slice has not changed is the same table, and so is the member made of it.
local made = setmetatable({}, { __mode = "k" })

local function add_endpoint(found, endpoint, port, revision)
  local serves, drains = condition_of(endpoint)
  local host = text_of(list_of(endpoint.addresses)[1])
  if not serves or not host then return end
  made[endpoint] = made[endpoint] or {
    url = address.with_port(host, port), zone = text_of(endpoint.zone),
    tags = tags_of(endpoint), drain = drains, revision = revision,
  }
  table.insert(found, endpoint)
end

-- Hints count only if all endpoints have some, and some are for this zone: else all serve.
local function in_zone(found, zone)
  local own = {}
  for _, endpoint in ipairs(found) do
    if not has_hints(endpoint) then return found end
    if is_for(endpoint, zone) then table.insert(own, endpoint) end
  end
  return #own > 0 and own or found
end

---@param by_name table<string, table>  slices
---@param settings table  port, zone
---@return table[]
function slices.members(by_name, settings)
  local found, list = {}, {}
  for _, name in ipairs(sorted.keys(by_name)) do
    local slice = by_name[name]
    local port = port_of(slice, settings.port)
    local revision = list_of(slice.metadata).resourceVersion
    for _, endpoint in ipairs(port and list_of(slice.endpoints) or {}) do
      if type(endpoint) == "table" then add_endpoint(found, endpoint, port, revision) end
    end
  end
  if settings.zone then found = in_zone(found, settings.zone) end
  for i, endpoint in ipairs(found) do list[i] = made[endpoint] end
  return list
end

return slices
