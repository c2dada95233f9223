-- `tls` of a service and of a pool: what one row of the schema cannot say, and the form in which C
-- reads it (src/lua/conf_read_tls.c).

local acme = require "neap.config.acme"
local check = require "neap.config.check"
local schema = require "neap.config.schema"
local show = require "neap.config.show"

local tls = {}

-- A text that ends in a slash is a folder.
local function one_certificate(value, key, report)
  if type(value) == "string" then
    local path = check.value({ "folder", "path", max = 1023 }, value, key, report)
    if path and path:sub(-1) ~= "/" then
      report:add(key, ("%s is not a folder (expected { certificate = %s }, or a folder, which ends "
        .. "in /)"):format(show.value(path), show.value(path)))
      return nil
    end
    return path and { certificate = path }
  end
  if type(value) ~= "table" then
    report:add(key, show.value(value) .. " is not a certificate (expected { certificate = …, key = "
      .. "… }, or a folder like \"certs/\")")
    return nil
  end
  local item = check.section(schema.tls_certificate, value, key, report)
  if item.certificate and item.certificate:sub(-1) == "/" then
    report:add(show.path(key, "certificate"), ("%s is a folder (expected a file, or the folder as "
      .. "a text of its own)"):format(show.value(item.certificate)))
  end
  return item
end

check.add_holder("certificates", function(row, value, key, report)
  local count = check.short_list_length(value, row.max, key, report, "certificates")
  if count == 0 then report:add(key, "the list is empty (expected at least one certificate)") end
  local list = {}
  for i = 1, count or 0 do
    local item_key = show.path(key, i)
    local item = one_certificate(rawget(value, i), item_key, report)
    if item then
      item.where = item_key
      table.insert(list, item)
    end
  end
  return list
end)

-- Beside a service's own backends both the service's and the pool's keys stand in one table.
-- Certificate and key are always the service's: without them it would silently speak plain HTTP.
local POOL_ONLY = { verify = true, ca = true, server_name = true }
local IS_SERVICES = {}
for _, row in ipairs(schema.tls) do IS_SERVICES[row[1]] = true end
IS_SERVICES.min_version = nil -- goes with the others

-- The service's table and the pool's; nil: there is none of that kind.
local function split(value)
  local own, pools, is_service, is_pool = {}, {}, false, false
  for name, entry in next, value do
    is_service = is_service or IS_SERVICES[name] == true
    is_pool = is_pool or POOL_ONLY[name] == true
    if POOL_ONLY[name] then pools[name] = entry else own[name] = entry end
  end
  if not is_pool then return own end
  if is_service then return own, pools end
  return nil, value
end

local function check_sources(settings, value, key, report)
  local has_one = rawget(value, "certificate") ~= nil
  if has_one and rawget(value, "certificates") ~= nil then
    report:add(show.path(key, "certificates"),
      "both 'certificate' and 'certificates' are given (expected one of them)")
  end
  for _, name in ipairs { "certificate", "certificates", "acme" } do
    if settings.self_signed and rawget(value, name) ~= nil then
      report:add(show.path(key, "self_signed"),
        ("both 'self_signed' and '%s' are given (expected one of them)"):format(name))
    end
  end
  for _, name in ipairs { "key", "ocsp" } do
    if settings[name] and not has_one then
      report:add(show.path(key, name), "there is no 'certificate' beside it (expected one)")
    end
  end
  if settings.certificate and settings.certificate:sub(-1) == "/" then
    report:add(show.path(key, "certificate"), ("%s is a folder (expected a file, or certificates = "
      .. "{ %s })"):format(show.value(settings.certificate), show.value(settings.certificate)))
  end
  settings.is_bare = not has_one and rawget(value, "certificates") == nil
    and not settings.self_signed and not settings.acme
end

local function check_versions(settings, key, report)
  local low, high = settings.min_version, settings.max_version
  if low and high and low > high then
    report:add(show.path(key, "min_version"),
      ("%s is above max_version, %s (expected at most that)"):format(low, high))
  end
end

local function check_own(value, key, report)
  local settings = check.section(schema.tls, value, key, report)
  check_sources(settings, value, key, report)
  check_versions(settings, key, report)
  if settings.acme then acme.check(settings.acme, show.path(key, "acme"), report) end
  if settings.certificate then
    settings.certificates = settings.certificates or {}
    table.insert(settings.certificates, 1, { where = key, certificate = settings.certificate,
      key = settings.key, ocsp = settings.ocsp })
  end
  settings.certificate, settings.key, settings.ocsp = nil, nil, nil
  settings.certificates = settings.certificates or {}
  settings.where = key
  return settings
end

local pool_row
for _, row in ipairs(schema.pool_own) do
  if row[1] == "tls" then pool_row = row end
end

-- The service's settings, or false; with those of its own pool in `pool`.
check.add_holder("tls", function(_, value, key, report)
  if type(value) ~= "table" then
    report:add(key, show.value(value) .. " is not a table (expected { certificate = …, key = … }, "
      .. "or false)")
    return nil
  end
  local own, pools = split(value)
  local settings = own and check_own(own, key, report) or { is_absent = true, where = key }
  if pools then settings.pool = check.value(pool_row, pools, key, report) end
  return settings
end)

-- Takes a pool's settings out of those of the service that it belongs to.
---@param service table  with `tls` as the schema makes it
---@return table? pools  -- nil: none were given
function tls.take(service)
  local settings = service.tls
  if not settings then return nil end
  local pools = settings.pool
  settings.pool = nil
  if settings.is_absent then service.tls = false end
  return pools
end

-- Could the certificate in the service's table be meant for the pool's backends?
---@param service table
---@param pool table  the service's own, with backends and perhaps tls
---@return boolean
function tls.is_ambiguous(service, pool)
  local own = service.tls and service.tls.certificates[1]
  if not pool.tls or not own or not own.key or own.where ~= service.tls.where then return false end
  for _, backend in ipairs(pool.backends) do
    if backend.scheme ~= "https" and backend.scheme ~= "tls" then return false end
  end
  return #pool.backends > 0
end

-- Without certificates of its own it needs a policy that gives some.
---@param service table
---@param hooks table?  its policy's
---@return table? error  key, text
function tls.check_hooks(service, hooks)
  if not service.tls or not service.tls.is_bare or (hooks and hooks.certificate) then return nil end
  return {
    key = show.path(service.tls.where, "certificate"),
    text = "missing (expected a certificate, certificates, acme, self_signed = true, or a policy "
      .. "with the hook certificate)",
  }
end

-- What each address of a service speaks, as C reads it.
---@param service table  with tls, listen (parsed ones, with their keys) and proxy_protocol
---@param report table
---@return table[]
function tls.listens(service, report)
  local list, any, any_plain = {}, false, false
  for i, parsed in ipairs(service.listen or {}) do
    local is_tls = parsed.tls
    if is_tls == nil then is_tls = service.tls ~= false and service.tls ~= nil end
    if is_tls and not service.tls then
      report:add(show.path(parsed.key, "tls"),
        "the service has no certificates (expected tls = { certificate = …, key = … } in it)")
    end
    local proxy_protocol = parsed.proxy_protocol
    if proxy_protocol == nil then proxy_protocol = service.proxy_protocol == true end
    any, any_plain = any or is_tls, any_plain or not is_tls
    list[i] = { address = parsed.text, tls = is_tls, proxy_protocol = proxy_protocol }
  end
  if service.tls and not any then
    report:add(show.path(service.key, "tls"), "no address of the service uses it (expected one in "
      .. "listen without tls = false)")
  end
  acme.check_service(service, any_plain, report)
  return list
end

local function resolve_all(settings, names, resolve)
  for _, name in ipairs(names) do
    if settings[name] then settings[name] = resolve(settings[name]) end
  end
end

-- Makes the paths of a service's `tls` those that files are opened by.
---@param settings table|false
---@param resolve fun(path: string): string
function tls.finish(settings, resolve)
  if not settings then return end
  for _, item in ipairs(settings.certificates) do
    resolve_all(item, { "certificate", "key", "ocsp" }, resolve)
  end
  if settings.client then resolve_all(settings.client, { "ca", "crl" }, resolve) end
  if type(settings.tickets) == "table" then resolve_all(settings.tickets, { "keys" }, resolve) end
  if settings.acme then resolve_all(settings.acme, { "ca", "storage" }, resolve) end
end

-- The same for a pool; its settings are complete afterwards.
---@param pool table  with key and perhaps tls
function tls.finish_pool(pool, resolve)
  local settings = pool.tls or { verify = true, min_version = "1.2" }
  if settings.ca == "system" then settings.ca = nil end
  resolve_all(settings, { "ca", "certificate", "key" }, resolve)
  settings.where = show.path(pool.key, "tls")
  pool.tls = settings
end

return tls
