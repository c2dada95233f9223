-- What one row of the schema cannot say of a pool's `discover`.

local show = require "neap.config.show"

local discover = {}

local TOGETHER = { -- type → keys of which only one may be given
  { "password", "password_file" }, { "token", "token_file" },
}

local function check_url(text, key, report)
  local authority = text:match "^https?://([^/?#]+)"
  if not authority or authority:find "[@%c%s]" or text:find "[%c%s\127-\255]" then
    report:add(key, show.value(text) .. " is not a URL (expected http://host:port or "
      .. "https://host:port)")
  end
end

local function check_endpoints(settings, key, report)
  for i, text in ipairs(settings.endpoints or {}) do
    check_url(text, show.path(key, i), report)
  end
  if settings.endpoints and #settings.endpoints == 0 then
    report:add(key, "the list is empty (expected at least one URL)")
  end
end

local function check_dns(settings, key, report)
  if settings.type ~= "dns" then return end
  if settings.port == nil then
    report:add(show.path(key, "port"), "missing (expected a number from 1 to 65535)")
  elseif type(settings.port) == "string" then
    report:add(show.path(key, "port"), show.value(settings.port) .. " is not a port (expected a "
      .. "number from 1 to 65535; type = \"dns_srv\" finds ports by itself)")
  end
end

local function check_one(settings, key, report)
  if settings.url then check_url(settings.url, show.path(key, "url"), report) end
  check_endpoints(settings, show.path(key, "endpoints"), report)
  check_dns(settings, key, report)
  for _, pair in ipairs(TOGETHER) do
    if settings[pair[1]] and settings[pair[2]] then
      report:add(show.path(key, pair[2]), ("both '%s' and '%s' are given (expected one of them)")
        :format(pair[1], pair[2]))
    end
  end
  local needs_user = settings.password or settings.password_file
  if needs_user and not settings.user then
    report:add(show.path(key, "user"), "missing (expected the name that the password belongs to)")
  elseif settings.user and not needs_user then
    report:add(show.path(key, "password"), "missing (a user needs a password)")
  end
end

-- Does this pool have a registry?
---@param pool table
---@return boolean
function discover.is_registry(pool)
  local kind = pool.discover and pool.discover.type
  return kind ~= nil and kind ~= "hook"
end

-- The same keys elsewhere.
function discover.check_one(settings, key, report) check_one(settings, key, report) end

---@param pools table[]
---@param report table
function discover.check(pools, report)
  for _, pool in ipairs(pools) do
    if pool.discover then check_one(pool.discover, show.path(pool.key, "discover"), report) end
  end
end

local PATHS = { "path", "password_file", "token_file" }

-- Paths are relative to the config's folder.
---@param settings table
---@param resolve fun(path: string): string
function discover.finish(settings, resolve)
  for _, key in ipairs(PATHS) do
    if settings[key] then settings[key] = resolve(settings[key]) end
  end
  for _, key in ipairs { "ca", "certificate", "key" } do
    local tls = settings.tls
    if tls and tls[key] then tls[key] = resolve(tls[key]) end
  end
end

return discover
