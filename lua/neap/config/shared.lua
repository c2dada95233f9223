-- `shared`: stores by name, as a list in the order of their names: their numbers everywhere.

local address = require "neap.config.address"
local check = require "neap.config.check"
local config_names = require "neap.config.names"
local discover = require "neap.config.discover"
local schema = require "neap.config.schema"
local show = require "neap.config.show"

local shared = {}

local EXPECTED = "shared = { name = { bytes = … } }"

local BOTH = "both 'password' and 'password_file' are given (expected one of them)"
local ADDRESS = "'%s' is not an address (expected host:port, [v6]:port or unix:/path)"

local function is_address(text)
  local path = text:match "^unix:(/.*)$"
  if path then return address.check_unix(path) end
  local host, port = text:match "^%[([%x:.]+)%]:(%d+)$"
  if host then return address.is_ipv6(host) and address.port(port, 1) end
  host, port = text:match "^([^:%[%]]+):(%d+)$"
  return host and address.check_host(host) and address.port(port, 1)
end

local function check_redis(redis, key, report)
  if redis.address and not is_address(redis.address) then
    report:add(show.path(key, "address"), ADDRESS:format(show.text(redis.address)))
  end
  if redis.password and redis.password_file then
    report:add(show.path(key, "password_file"), BOTH)
  end
  if redis.user and not (redis.password or redis.password_file) then
    report:add(show.path(key, "password"), "missing (a user needs a password)")
  end
end

check.add_holder("stores", function(row, value, key, report)
  if type(value) ~= "table" then
    report:add(key, show.value(value) .. " is not a table (expected { name = { bytes = … } })")
    return {}
  end
  local names, list = config_names.of(value, key, report, EXPECTED), {}
  if #names > row.max then
    report:add(key, ("%d stores are too many (expected at most %d)"):format(#names, row.max))
  end
  for i, name in ipairs(names) do
    list[i] = check.section(schema.store, rawget(value, name), show.path(key, name), report)
    list[i].name = name
    if list[i].redis then
      check_redis(list[i].redis, show.path(show.path(key, name), "redis"), report)
    end
  end
  return list
end)

-- Paths are relative to the config's folder.
---@param stores table[]
---@param resolve fun(path: string): string
function shared.finish(stores, resolve)
  for _, store in ipairs(stores) do
    if store.redis then discover.finish(store.redis, resolve) end
  end
end

return shared
