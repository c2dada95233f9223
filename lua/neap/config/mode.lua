-- What is allowed in one mode of a service only: keys, and the schemes of its backends.

local show = require "neap.config.show"

local mode = {}

-- true: the key itself; else keys of the table it holds.
local ONLY_HTTP = {
  { "forwarded", true },
  { "errors", true },
  { "half_close", true },
  { "http2", true },
  { "keepalive", true },
  { "mirror", true },
  { "hedge", true },
  { "timeouts", { "client_body", "client_idle", "response", "stream_idle", "linger" } },
  { "limits", { "header_bytes", "uri_bytes", "headers", "body_bytes", "hook_body_bytes",
    "requests", "streams", "stream_window", "connection_window" } },
  { "retry", { "unsafe", "status", "grpc_status", "body_bytes", "budget" } },
}

local function has_plain_address(service)
  for _, listen in ipairs(service.listens or {}) do
    if not listen.tls then return true end
  end
  return false
end

local function check_sniff(service, report)
  if not service.sniff then return end
  local key = show.path(service.key, "sniff")
  if service.mode ~= "tcp" then
    report:add(key, "this goes only with mode = 'tcp'")
  elseif not has_plain_address(service) then
    report:add(key, "TLS ends at every address of the service, so none is passed on (expected an "
      .. "address with tls = false in listen, or no tls)")
  end
end

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

-- Several services may use a pool of `pools`: an http one among them has use for its keys.
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
    local is_tcp = backend.scheme == "tcp" or backend.scheme == "tls"
    if backend.path == "" and is_tcp ~= (service.mode == "tcp") then
      local text = is_tcp and "'%s' goes only with mode = 'tcp' (expected http://host:port or "
        .. "https://host:port)"
        or "'%s' does not go with mode = 'tcp' (expected tcp://host:port or "
        .. "tls://host:port)"
      report:add(backend.key, text:format(show.text(backend.url)))
    end
  end
end

-- Do these backends suit the services that use the pool? For lists that come later than the config:
-- from `discover` or the admin side.
---@param pool table  name, backends
---@param services table[]  of a checked config
---@param report table
function mode.check_backends(pool, services, report)
  for _, service in ipairs(services) do
    if service.pool == pool.name then check_schemes(service, pool, report) end
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
    check_sniff(service, report)
    local pool = service.mode and by_name[service.pool]
    if pool then check_schemes(service, pool, report) end
  end
  for _, pool in ipairs(pools) do
    if pool.raw then check_pool_keys(pool, services, report) end
    local copies = pool.mirror and by_name[pool.mirror.pool]
    if copies then check_schemes({ mode = "http" }, copies, report) end
  end
end

return mode
