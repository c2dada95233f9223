-- A pool's `health`: one check or a list of them, and the header fields, which only checks have.

local address = require "neap.config.address"
local check = require "neap.config.check"
local discover = require "neap.config.discover"
local schema = require "neap.config.schema"
local show = require "neap.config.show"

local health = {}

local CHECKS_MAX = 16
local VALUE_MAX = 4096

-- Fields that would change how the request is framed, or that other keys set.
local OURS = {
  host = "use host", connection = "every check has a connection of its own",
  ["content-length"] = "a check has no body", ["transfer-encoding"] = "a check has no body",
  expect = "a check has no body", upgrade = "a check has a connection of its own",
}

local function field_name(name, key, report)
  if type(name) == "string" and #name <= 255 and name:find "^[%w!#$%%&'*+%-.^_`|~]+$" then
    return name:lower()
  end
  report:add(show.path(key, name), "this is not the name of a header field")
  return nil
end

local function sorted_names(value)
  local names = {}
  for name in next, value do table.insert(names, name) end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  return names
end

-- Fields by lower-case name; item(value, key) → the normalised value, or nil.
local function fields(row, value, key, report, item)
  if type(value) ~= "table" then
    report:add(key, show.value(value) .. " is not a table (expected { name = value, … })")
    return nil
  end
  local result, names = {}, sorted_names(value)
  if #names > row.max then
    report:add(key, ("%d fields are too many (expected at most %d)"):format(#names, row.max))
    return nil
  end
  for _, raw_name in ipairs(names) do
    local name, item_key = field_name(raw_name, key, report), show.path(key, raw_name)
    if name and result[name] ~= nil then report:add(item_key, "this field is given twice") end
    if name then result[name] = item(value[raw_name], item_key, name) end
  end
  return result
end

check.add_holder("headers", function(row, value, key, report)
  return fields(row, value, key, report, function(field, item_key, name)
    if OURS[name] then
      report:add(item_key, "this field has no place here: " .. OURS[name])
      return nil
    end
    if type(field) == "number" then field = ("%.14g"):format(field) end
    local is_text = type(field) == "string" and #field <= VALUE_MAX
    if is_text and not field:find "[%z\1-\8\10-\31\127]" then return field end
    report:add(item_key, ("%s is not a field's value (expected a text of at most %d bytes without "
      .. "control characters)"):format(show.value(field), VALUE_MAX))
    return nil
  end)
end)

check.add_holder("header_matchers", function(row, value, key, report)
  local of = { row[1], "matcher", max = 1023, also = { true } }
  return fields(row, value, key, report, function(field, item_key)
    return check.value(of, field, item_key, report)
  end)
end)

-- Settings that do not say their type, → their key.
local implied = setmetatable({}, { __mode = "k" })

local function check_query(settings, key, report)
  if settings.type ~= "dns" or settings.query == "." or not settings.query then return end
  local ok, why = address.check_host(settings.query)
  if not ok then report:add(show.path(key, "query"), why .. " (expected a name, or \".\")") end
end

local function one(value, key, report)
  local settings = check.section(schema.health, value, key, report)
  if type(value) == "table" and rawget(value, "type") == nil then implied[settings] = key end
  check_query(settings, key, report)
  if settings.share and settings.share.etcd then
    discover.check_one(settings.share.etcd, show.path(show.path(key, "share"), "etcd"), report)
  end
  if settings.fast and settings.interval and settings.fast > settings.interval then
    report:add(show.path(key, "fast"), ("%s is more than the interval, %s (expected less)")
      :format(show.value(settings.fast), show.value(settings.interval)))
  end
  if settings.type == "none" and settings.initial == "down" then
    report:add(show.path(key, "initial"), "with type = 'none' nothing would ever find it up "
      .. "(expected a check, or another initial state)")
  end
  return settings
end

-- The state of new backends: the one setting that all checks of a pool have in common.
---@param settings table  config's `health`
---@return string
function health.initial(settings)
  for _, one_check in ipairs(health.list(settings)) do
    if one_check.initial ~= "unknown" then return one_check.initial end
  end
  return "unknown"
end

-- With whom the checks of a pool are shared; nil: with nobody.
---@param settings table  config's `health`
---@return table? share  name, cluster, lease, etcd
function health.share(settings)
  for _, one_check in ipairs(health.list(settings)) do
    if one_check.share then return one_check.share end
  end
  return nil
end

local FAILURES = 3 -- as in the schema

-- After how many failures in a row a suspect is down: one number for all checks of a pool.
---@param settings table  config's `health`
---@return number
function health.failures(settings)
  for _, one_check in ipairs(health.list(settings)) do
    local failures = one_check.failures or FAILURES
    if failures ~= FAILURES then return failures end
  end
  return FAILURES
end

-- "none" cannot be one of several checks.
local function check_list(list, key, report)
  for i, settings in ipairs(list) do
    local item_key = show.path(key, i)
    if settings.type == "none" and #list > 1 then
      report:add(show.path(item_key, "type"),
        "'none' does not go with other checks (expected to be left out)")
    end
    local initial = settings.initial or "unknown"
    if initial ~= "unknown" and initial ~= health.initial(list) then
      report:add(show.path(item_key, "initial"), ("another check of this pool says %s (expected "
        .. "one of them only)"):format(show.value(health.initial(list))))
    end
    local failures = settings.failures or FAILURES
    if failures ~= FAILURES and failures ~= health.failures(list) then
      report:add(show.path(item_key, "failures"), ("another check of this pool says %d (expected "
        .. "one of them only)"):format(health.failures(list)))
    end
  end
end

check.add_holder("health", function(_, value, key, report)
  if type(value) ~= "table" or rawget(value, 1) == nil then return one(value, key, report) end
  local count = check.short_list_length(value, CHECKS_MAX, key, report, "checks")
  local list = {}
  for i = 1, count or 0 do
    list[i] = one(rawget(value, i), show.path(key, i), report)
    if i > 1 and list[i].share then
      report:add(show.path(show.path(key, i), "share"), "all checks of a pool are shared alike "
        .. "(expected it in the first one)")
    end
  end
  check_list(list, key, report)
  return list
end)

-- The checks of a pool as a list.
---@param settings table  config's `health`
---@return table[]
function health.list(settings) return settings[1] and settings or { settings } end

-- Paths are relative to the config's folder.
---@param settings table  config's `health`
---@param resolve fun(path: string): string
function health.finish(settings, resolve)
  local share = health.share(settings)
  if share then discover.finish(share.etcd, resolve) end
end

-- Checks of these backends, whose services speak UDP, send datagrams unless they say otherwise.
---@param settings table  config's `health`
---@param report table
function health.prefer_udp(settings, report)
  for _, one_check in ipairs(health.list(settings)) do
    local key = implied[one_check]
    one_check.is_udp = true -- also for what looks after a backend that `none` never checks
    if key then one_check.type = "udp" end
    for _, name in ipairs { "tls", "send_proxy" } do
      if key and one_check[name] ~= nil then
        report:add(show.path(key, name), "this goes only with type = 'tcp' (and 'udp' is the "
          .. "default in a udp service)")
      end
    end
  end
end

local function is_unix(backend, settings)
  local other = backend.health and backend.health.address or settings.address
  if other then return other:find "^unix:" ~= nil end
  return backend.path ~= ""
end

-- A unix socket answers no echo.
---@param pools table[]
---@param report table
function health.check_pools(pools, report)
  for _, pool in ipairs(pools) do
    for _, settings in ipairs(health.list(pool.health)) do
      for _, backend in ipairs(settings.type == "icmp" and pool.backends or {}) do
        if is_unix(backend, settings) then
          report:add(backend.key, "a unix socket cannot be pinged (expected health.address with a "
            .. "host, or another type of check)")
        end
      end
    end
  end
end

return health
