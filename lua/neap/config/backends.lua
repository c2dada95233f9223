-- Lists of backends: those of a pool in the configuration, and those that `discover` hooks return.

local check = require "neap.config.check"
local health = require "neap.config.health"
local loops = require "neap.config.loops"
local mode = require "neap.config.mode"
local report = require "neap.config.report"
local room = require "neap.config.room"
local schema = require "neap.config.schema"
local show = require "neap.config.show"

local backends = {}

local NAME_MAX = room.name

local function row_of(section, name)
  for _, row in ipairs(section) do
    if row[1] == name then return row end
  end
end

-- A URL alone, or a table.
local function one(value, key, errors)
  if type(value) == "string" then
    local parts = check.value(row_of(schema.backend, "url"), value, key, errors)
    return parts and check.section(schema.backend, { url = value }, key, errors), parts
  end
  if type(value) ~= "table" then
    errors:add(key, show.value(value) .. " is not a backend (expected a URL like "
      .. "\"http://host:port\", or a table with url)")
    return nil
  end
  local checked = check.section(schema.backend, value, key, errors)
  return checked, checked.url
end

local function flatten(checked, parts, key)
  return {
    name = checked.name or parts.name,
    url = parts.url,
    scheme = parts.scheme,
    host = parts.host,
    port = parts.port,
    base = parts.base,
    path = parts.path,
    weight = checked.weight,
    tier = checked.tier,
    zone = checked.zone,
    slots = checked.slots,
    send_proxy = checked.send_proxy,
    server_name = checked.server_name,
    health = checked.health,
    tags = checked.tags,
    key = key,
  }
end

-- Each name only once in a pool, for it is the backend's identity.
local function check_name(backend, seen, errors)
  if #backend.name > NAME_MAX then
    errors:add(backend.key, ("its host and path are too long for a name (expected a name of at "
      .. "most %d bytes beside the url)"):format(NAME_MAX))
  elseif seen[backend.name] then
    errors:add(backend.key, ("another backend has the name '%s' already: %s (expected a name of "
      .. "its own)"):format(show.text(backend.name), seen[backend.name]))
  else
    seen[backend.name] = backend.key
  end
end

---@param row table  of the schema
---@param value any
---@param key string
---@param errors table  a report
---@return table[]
function backends.check(row, value, key, errors)
  local count = check.short_list_length(value, row.max, key, errors, "backends")
  local list, seen = {}, {}
  for i = 1, count or 0 do
    local item_key = show.path(key, i)
    local checked, parts = one(rawget(value, i), item_key, errors)
    if checked and parts then
      local backend = flatten(checked, parts, item_key)
      check_name(backend, seen, errors)
      table.insert(list, backend)
    end
  end
  return list
end

check.add_holder("backends", backends.check)

-- Backends that come later than the config, by all rules of the config: from `discover` or the
-- admin side.
---@param value any
---@param key string  what errors call the list
---@param pool table?  name, health: the one they are for
---@param services table[]?  of the config
---@return table[]? list
---@return {key: string, text: string}[]? errors
function backends.list(value, key, pool, services)
  local errors = report.new()
  local list = backends.check(row_of(schema.pool, "backends"), value, key, errors)
  if pool and errors:is_clean() then
    local as_pool = { name = pool.name, health = pool.health, backends = list }
    mode.check_backends(as_pool, services, errors)
    health.check_pools({ as_pool }, errors)
    loops.check(services or {}, { as_pool }, errors)
  end
  if errors:is_clean() then return list end
  return nil, errors:close()
end

return backends
