-- What goes only with one mode of a service: keys, and the schemes of its backends.

local show = require "neap.config.show"

local mode = {}

-- true: the key itself; else keys of the table it holds.
local ONLY_HTTP = {
  { "forwarded", true },
  { "keepalive", true },
  { "timeouts", { "client_body", "client_idle", "response", "stream_idle" } },
  { "limits", { "header_bytes", "uri_bytes", "headers", "body_bytes", "requests" } },
  { "retry", { "unsafe", "status", "body_bytes", "budget" } },
}

-- owner: a service, or a pool that only tcp services use.
local function check_keys(owner, why, report)
  local function refuse(key)
    report:add(key, ("this goes only with mode = 'http' (%s)"):format(why))
  end
  for _, entry in ipairs(ONLY_HTTP) do
    local key = show.path(owner.key, entry[1])
    local value = rawget(owner.raw, entry[1])
    if value ~= nil and entry[2] == true then
      refuse(key)
    elseif type(value) == "table" then
      for _, name in ipairs(entry[2]) do
        if rawget(value, name) ~= nil then refuse(show.path(key, name)) end
      end
    end
  end
end

-- A pool of `pools` may be used by several services: an http one among them has use for its keys.
local function check_pool_keys(pool, services, report)
  local user
  for _, service in ipairs(services) do
    if service.pool == pool.name and service.mode ~= "tcp" then return end
    if service.pool == pool.name then user = user or service end
  end
  if not user then return end
  check_keys(pool, ("and the service that uses it, '%s', has mode = 'tcp'")
    :format(show.text(user.name)), report)
end

-- A unix socket may speak anything.
local function check_schemes(service, pool, report)
  for _, backend in ipairs(pool.backends) do
    local is_tcp = backend.scheme == "tcp"
    if backend.path == "" and is_tcp ~= (service.mode == "tcp") then
      local text = is_tcp and "'%s' goes only with mode = 'tcp' (expected http://host:port)"
        or "'%s' does not go with mode = 'tcp' (expected tcp://host:port)"
      report:add(backend.key, text:format(show.text(backend.url)))
    end
  end
end

---@param services table[]
---@param pools table[]
---@param report table
function mode.check(services, pools, report)
  local by_name = {}
  for _, pool in ipairs(pools) do by_name[pool.name] = pool end
  for _, service in ipairs(services) do
    if service.mode == "tcp" then check_keys(service, "and it is 'tcp'", report) end
    local pool = service.mode and by_name[service.pool]
    if pool then check_schemes(service, pool, report) end
  end
  for _, pool in ipairs(pools) do
    if pool.raw then check_pool_keys(pool, services, report) end
  end
end

return mode
