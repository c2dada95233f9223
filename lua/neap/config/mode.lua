-- What is allowed in one mode of a service only: keys, and the schemes of its backends.

local health = require "neap.config.health"
local show = require "neap.config.show"

local mode = {}

-- Keys that other modes do not have. true: the key itself; else keys of the table it holds.
local ONLY_HTTP = {
  { "forwarded", true },
  { "errors", true },
  { "compress", true },
  { "half_close", true },
  { "via", true },
  { "http2", true },
  { "keepalive", true },
  { "mirror", true },
  { "hedge", true },
  { "timeouts", { "client_body", "client_idle", "response", "stream_idle", "linger" } },
  { "limits", { "header_bytes", "uri_bytes", "headers", "body_bytes", "hook_body_bytes",
    "requests", "streams", "stream_window", "connection_window" } },
  { "retry", { "unsafe", "status", "grpc_status", "body_bytes", "budget" } },
}
local NOT_UDP = {
  { "tls", true },
  { "timeouts", { "client_header", "connect", "attempt", "tunnel", "half_closed",
    "keepalive_probe", "handshake", "request" } },
  { "limits", { "connections" } },
}
local ONLY_UDP = {
  { "responses", true },
  { "requests", true },
  { "timeouts", { "udp" } },
  { "limits", { "udp_sessions", "source_datagrams", "source_flows", "source_bits_v4",
    "source_bits_v6" } },
}

-- The keys that a mode lacks, and which modes have them.
local LACKS = {
  http = { { ONLY_UDP, "'udp'" } },
  tcp = { { ONLY_HTTP, "'http'" }, { ONLY_UDP, "'udp'" } },
  udp = { { ONLY_HTTP, "'http'" }, { NOT_UDP, "'http' or 'tcp'" } },
}

local SCHEMES = {
  http = { http = true, https = true },
  tcp = { tcp = true, tls = true },
  udp = { udp = true },
}
local EXPECTED = {
  http = "http://host:port or https://host:port",
  tcp = "tcp://host:port or tls://host:port",
  udp = "udp://host:port",
}
local MODES = { "http", "tcp", "udp" }

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

local function check_lists(owner, list, modes, why, report)
  local function refuse(key)
    report:add(key, ("this goes only with mode = %s (%s)"):format(modes, why))
  end
  for _, entry in ipairs(list) do
    local key = show.path(owner.key, entry[1])
    local value = rawget(owner.raw, entry[1])
    if value ~= nil and entry[2] == true then
      refuse(key)
    elseif type(value) == "table" then
      for _, name in ipairs(entry[2] == true and {} or entry[2]) do
        if rawget(value, name) ~= nil then refuse(show.path(key, name)) end
      end
    end
  end
end

-- owner: a service, or a pool that only services of this mode use.
local function check_keys(owner, its_mode, why, report)
  for _, lack in ipairs(LACKS[its_mode]) do
    check_lists(owner, lack[1], lack[2], why, report)
  end
end

-- Several services may use a pool of `pools`: an http one among them has use for its keys.
local function check_pool_keys(pool, services, report)
  local user
  for _, service in ipairs(services) do
    if service.pool == pool.name and (service.mode or "http") == "http" then return end
    if service.pool == pool.name then user = user or service end
  end
  if not user then return end
  check_keys(pool, user.mode, ("and the service that uses it, '%s', has mode = '%s'")
    :format(show.text(user.name), user.mode), report)
end

local function is_for_udp(pool, services)
  local is_used = false
  for _, service in ipairs(services) do
    if service.pool == pool.name then
      if service.mode ~= "udp" then return false end
      is_used = true
    end
  end
  return is_used
end

local function mode_of_scheme(scheme)
  for _, name in ipairs(MODES) do
    if SCHEMES[name][scheme] then return name end
  end
end

-- Version 1 is text that a stream begins with; of the client's TLS there is nothing to tell.
local function check_send_proxy(owner, report)
  local value = owner.send_proxy
  if value and value ~= 2 then
    report:add(show.path(owner.key, "send_proxy"),
      "before datagrams goes a header of version 2 alone (expected 2)")
  end
end

-- A stream of neap's own cannot come from its client's address.
local function check_source(pool, services, report)
  if pool.source ~= "client" then return end
  for _, service in ipairs(services) do
    if service.pool == pool.name and service.mode ~= "udp" then
      report:add(show.path(pool.key, "source"), ("'client' goes only with mode = 'udp' (and the "
        .. "service that uses the pool, '%s', has mode = '%s')"):format(show.text(service.name),
        service.mode or "http"))
    end
  end
end

-- A unix socket may speak anything but datagrams.
local function check_schemes(service, pool, report)
  local its_mode = service.mode or "http"
  for _, backend in ipairs(pool.backends) do
    local url = show.text(backend.url)
    if backend.path ~= "" then
      if its_mode == "udp" then
        report:add(backend.key, ("'%s' does not go with mode = 'udp' (expected %s)")
          :format(url, EXPECTED.udp))
      end
    elseif its_mode == "udp" and backend.send_proxy and backend.send_proxy ~= 2 then
      check_send_proxy(backend, report)
    elseif not SCHEMES[its_mode][backend.scheme] then
      local text = its_mode == "http" and "'%s' goes only with mode = '%s' (expected %s)"
        or "'%s' does not go with mode = '%s' (expected %s)"
      local named = its_mode == "http" and mode_of_scheme(backend.scheme) or its_mode
      report:add(backend.key, text:format(url, named, EXPECTED[its_mode]))
    end
  end
end

-- What each address says of itself.
local function check_listens(service, report)
  for i, listen in ipairs(service.listens or {}) do
    local key = show.path(show.path(service.key, "listen"), i)
    if listen.address:find "^unix:" then
      report:add(key, "a unix socket has no datagrams here (expected host:port)")
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
    if service.mode then
      check_keys(service, service.mode, ("and it is '%s'"):format(service.mode), report)
    end
    if service.mode == "udp" then check_listens(service, report) end
    check_sniff(service, report)
    local pool = service.mode and by_name[service.pool]
    if pool then check_schemes(service, pool, report) end
  end
  for _, pool in ipairs(pools) do
    if pool.raw then check_pool_keys(pool, services, report) end
    check_source(pool, services, report)
    if is_for_udp(pool, services) then
      health.prefer_udp(pool.health, report)
      check_send_proxy(pool, report)
    end
    local copies = pool.mirror and by_name[pool.mirror.pool]
    if copies then check_schemes({ mode = "http" }, copies, report) end
  end
end

return mode
