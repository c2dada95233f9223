-- From the table that a user wrote to the one that neap works with: short form into long form,
-- anonymous pools, and all checks that look at more than one key.

local address = require "neap.config.address"
local check = require "neap.config.check"
local discover = require "neap.config.discover"
local health = require "neap.config.health"
local loops = require "neap.config.loops"
local mode = require "neap.config.mode"
local nearest = require "neap.config.nearest"
local config_names = require "neap.config.names"
local N = require("neap.ffi").numbers
local schema = require "neap.config.schema"
local show = require "neap.config.show"
local sorted = require "neap.sorted"
local tls = require "neap.config.tls"
require "neap.config.backends"
require "neap.config.compress"
local shared = require "neap.config.shared"

local build = {}

local POOLS_MAX, LISTENS_MAX = N.NEAP_BOARD_POOLS_MAX, N.NEAP_BOARD_LISTENS_MAX
local BACKENDS_MAX = N.NEAP_BOARD_BACKENDS_MAX
local NAME_MAX = config_names.max

local function rows(...)
  local all = {}
  for _, section in ipairs { ... } do
    for _, row in ipairs(section) do table.insert(all, row) end
  end
  return all
end

local PROCESS_ROWS = rows(schema.process, schema.long)
local SERVICE_ROWS = rows(schema.service, schema.pool)
local POOL_ROWS = rows(schema.pool, schema.pool_own)
local SHORT_ROWS = rows(schema.process, SERVICE_ROWS, schema.long)

-- The keys of `section` that are given in `raw`.
local function given(section, raw)
  local names = {}
  for _, row in ipairs(section) do
    if rawget(raw, row[1]) ~= nil then table.insert(names, row[1]) end
  end
  return names
end

---@param policy any
---@return boolean
function build.is_path(policy)
  return type(policy) == "string" and (policy:find("/", 1, true) or policy:find "%.lua$") ~= nil
end

-- A name in the configuration's folder, unless it is absolute.
function build.resolve(folder, path)
  if path:sub(1, 1) == "/" then return path end
  return folder .. path:gsub("^%./+", "")
end

-- Could this policy bring backends of its own? If it is in a file, nobody knows yet.
local function may_discover(policy)
  if type(policy) == "table" then return rawget(policy, "discover") ~= nil end
  return type(policy) == "function" or build.is_path(policy)
end

local function is_users(policy) return type(policy) ~= "string" or build.is_path(policy) end

local function new_service(flat, raw, key)
  local service = { key = key, raw = raw, flat = flat, policy_key = show.path(key, "policy") }
  for _, row in ipairs(schema.service) do service[row[1]] = flat[row[1]] end
  service.pool_tls = tls.take(service)
  return service
end

local function new_pool(name, flat, key)
  local pool = { name = name, key = key, timeouts = flat.timeouts, limits = flat.limits,
    policy = flat.policy, tls = flat.tls, http2 = flat.http2 }
  for _, row in ipairs(schema.pool) do pool[row[1]] = flat[row[1]] end
  pool.backends = pool.backends or {}
  if pool.policy ~= nil then pool.policy_key = show.path(key, "policy") end
  return pool
end

check.add_holder("services", function(row, value, key, report)
  local count = check.short_list_length(value, row.max, key, report, "services")
  if count == 0 then report:add(key, "the list is empty (expected at least one service)") end
  local list = {}
  for i = 1, count or 0 do
    local raw, item_key = rawget(value, i), show.path(key, i)
    local flat = check.section(SERVICE_ROWS, raw, item_key, report)
    list[i] = new_service(flat, type(raw) == "table" and raw or {}, item_key)
  end
  return list
end)

check.add_holder("pools", function(row, value, key, report)
  if type(value) ~= "table" then
    report:add(key, show.value(value) .. " is not a table (expected { name = {…} })")
    return {}
  end
  local names, list = config_names.of(value, key, report, "pools = { name = {…} }"), {}
  if #names > row.max then
    report:add(key, ("%d pools are too many (expected at most %d)"):format(#names, row.max))
  end
  for i, name in ipairs(names) do
    local item_key = show.path(key, name)
    local raw = rawget(value, name)
    local flat = check.section(POOL_ROWS, raw, item_key, report)
    list[i] = new_pool(name, flat, item_key)
    list[i].raw = type(raw) == "table" and raw or {}
  end
  return list
end)

-- With `services`, the keys of a service or a pool have no place at the top level.
local function take_out_short(raw, report)
  local rest = {}
  for key, value in next, raw do rest[key] = value end
  for _, name in ipairs(given(SERVICE_ROWS, raw)) do
    rest[name] = nil
    report:add(name, "this belongs to one service or pool, and 'services' is given (expected it "
      .. "inside of services or pools)")
  end
  return rest
end

local function read_forms(raw, report)
  if rawget(raw, "services") ~= nil then
    local config = check.section(PROCESS_ROWS, take_out_short(raw, report), "", report)
    return config, config.services or {}, config.pools or {}
  end
  local flat = check.section(SHORT_ROWS, raw, "", report)
  return flat, { new_service(flat, raw, "") }, flat.pools or {}
end

-- "127.0.0.1:8080"; a long one loses its beginning.
local function name_of_listen(service)
  local name = service.listen and service.listen[1] and service.listen[1].text or service.key
  return #name <= NAME_MAX and name or "…" .. name:sub(-(NAME_MAX - 3))
end

local function free_name(name, taken)
  local candidate, n = name, 1
  while taken[candidate] do
    n = n + 1
    candidate = name:sub(1, NAME_MAX - 4) .. "#" .. n
  end
  return candidate
end

local function name_services(services, report)
  local taken = {}
  for _, service in ipairs(services) do
    if service.name and taken[service.name] then
      report:add(show.path(service.key, "name"), ("another service has the name '%s' already: %s")
        :format(service.name, taken[service.name]))
    end
    if service.name then taken[service.name] = service.key end
  end
  for _, service in ipairs(services) do
    service.name = service.name or free_name(name_of_listen(service), taken)
    taken[service.name] = service.key
  end
end

local function listen_key(service, i)
  local key = show.path(service.key, "listen")
  return type(rawget(service.raw, "listen")) == "table" and show.path(key, i) or key
end

local function admin_listener(config)
  local listen = config.admin and config.admin.listen
  if not listen then return {} end
  listen.key = "admin.listen"
  return { listen }
end

local function check_listeners(config, services, report)
  local all = admin_listener(config)
  for _, service in ipairs(services) do
    local texts = {}
    for i, parsed in ipairs(service.listen or {}) do
      parsed.key = listen_key(service, i)
      parsed.is_udp = service.mode == "udp"
      for _, other in ipairs(all) do
        if address.collide(parsed, other) then
          local text = "'%s' is listened on already: %s"
          report:add(parsed.key, text:format(parsed.text, other.key))
          break
        end
      end
      table.insert(all, parsed)
      texts[i] = parsed.text
    end
    service.listens = tls.listens(service, report)
    service.listen = texts
  end
  if #all > LISTENS_MAX then
    report:add("", ("%d listeners are too many (expected at most %d)"):format(#all, LISTENS_MAX))
  end
end

local function unknown_pool(name, by_name)
  local names = sorted.keys(by_name)
  local near = nearest.find(name, names)
  local hint = near and ("; did you mean '%s'?"):format(near)
    or #names > 0 and #names <= 20 and " (known: " .. table.concat(names, ", ") .. ")" or ""
  return ("no pool '%s' is defined in pools%s"):format(show.text(name), hint)
end

local function check_pool_keys(service, names, report)
  if service.pool_tls then
    report:add(show.path(service.key, "tls"), ("its verify, ca, server_name belong to the pool "
      .. "(expected them in %s)"):format(show.path(show.path("pools", service.pool), "tls")))
  end
  if rawget(service.raw, "backends") ~= nil then
    report:add(show.path(service.key, "backends"),
      "both 'pool' and 'backends' are given (expected one of them)")
  end
  for _, name in ipairs(names) do
    if name ~= "backends" then
      report:add(show.path(service.key, name), ("this belongs to the pool (expected it in %s)")
        :format(show.path(show.path("pools", service.pool), name)))
    end
  end
end

-- A service's own pool: its backends, and the pool's keys beside them.
local function add_anonymous(service, pools, by_name, report)
  if by_name[service.name] then
    local text = "the pool of these backends would be called '%s' as its service, and there is one "
      .. "(expected another name)"
    report:add(show.path(service.key, "backends"), text:format(service.name))
    return
  end
  local pool = new_pool(service.name, service.flat, service.key)
  pool.timeouts, pool.policy, pool.policy_key = nil, nil, nil
  pool.http2 = false -- the service's own key of that name is about its clients
  pool.tls, service.pool_tls = service.pool_tls, nil
  if pool.tls then pool.tls.is_ambiguous = tls.is_ambiguous(service, pool) end
  pool.limits = check.section(schema.pool_limits, {}, show.path(service.key, "limits"), report)
  service.pool = service.name
  by_name[pool.name] = pool
  table.insert(pools, pool)
end

-- Copies go to one of `pools`, or to the pool of another service.
local function check_mirrors(pools, by_name, report)
  for _, pool in ipairs(pools) do
    local name = pool.mirror and pool.mirror.pool
    local key = show.path(show.path(pool.key, "mirror"), "pool")
    if name and not by_name[name] then
      report:add(key, unknown_pool(name, by_name))
    elseif name and name == pool.name then
      report:add(key, "a pool cannot be its own mirror (expected another one of pools)")
    end
  end
end

local function connect_pools(services, pools, report)
  local by_name = {}
  for _, pool in ipairs(pools) do by_name[pool.name] = pool end
  local named = {}
  for name in next, by_name do named[name] = true end
  for _, service in ipairs(services) do
    local names = given(schema.pool, service.raw)
    if rawget(service.raw, "pool") ~= nil then
      if service.pool and not named[service.pool] then
        report:add(show.path(service.key, "pool"), unknown_pool(service.pool, named))
      end
      check_pool_keys(service, names, report)
    elseif #names > 0 or (type(service.policy) == "table" and may_discover(service.policy)) then
      add_anonymous(service, pools, by_name, report)
    elseif service.policy ~= nil and not is_users(service.policy) then
      report:add(show.path(service.key, "backends"), "missing (expected a list of backends, or "
        .. "'pool' with the name of one of pools)")
    end
  end
  check_mirrors(pools, by_name, report)
end

-- A pool without backends is an error, unless a policy may find some.
local function check_pools(services, pools, report)
  local anyone_discovers, backends = false, 0
  for _, service in ipairs(services) do
    anyone_discovers = anyone_discovers or may_discover(service.policy)
  end
  for _, pool in ipairs(pools) do
    backends = backends + #pool.backends
    if #pool.backends == 0 and not anyone_discovers and not may_discover(pool.policy)
      and not discover.is_registry(pool) and report:is_clean() then
      report:add(show.path(pool.key, "backends"),
        "there are none (expected at least one backend, discover with a type, or a policy with a "
          .. "discover hook)")
    end
  end
  if #pools > POOLS_MAX then
    report:add("pools", ("%d pools are too many (expected at most %d)"):format(#pools, POOLS_MAX))
  end
  if backends > BACKENDS_MAX then
    local text = "%d backends are too many (expected at most %d)"
    report:add("", text:format(backends, BACKENDS_MAX))
  end
end

local function check_admin(admin, report)
  if not admin then return end
  local is_unix = admin.listen and admin.listen.text:find "^unix:" ~= nil
  if admin.token and admin.token_file then
    report:add("admin.token_file", "both 'token' and 'token_file' are given (expected one of them)")
  end
  if admin.share and admin.share.etcd then
    discover.check_one(admin.share.etcd, "admin.share.etcd", report)
  end
  if admin.group and not is_unix then
    report:add("admin.group", "this goes only with a unix socket (expected admin.listen = "
      .. "\"unix:/path\")")
  end
end

local function finish_admin(admin, folder)
  if not admin then return nil end
  local share = admin.share or nil
  if share then
    discover.finish(share.etcd, function(path) return build.resolve(folder, path) end)
  end
  return {
    share = share,
    listen = admin.listen.text,
    token = admin.token,
    token_file = admin.token_file and build.resolve(folder, admin.token_file),
    mode = tonumber(admin.mode, 8),
    group = admin.group,
    hosts = admin.hosts,
    metrics = admin.metrics,
  }
end

local WORDS = { stderr = true, stdout = true, syslog = true }

local function is_file(target)
  return not (WORDS[target] or target:find "^syslog:" or target:find "^syslog%+")
end

local function finish(config, services, pools, folder)
  for _, list in ipairs { services, pools } do
    for _, owner in ipairs(list) do
      owner.raw, owner.flat, owner.pool_tls = nil, nil, nil
      if build.is_path(owner.policy) then
        owner.policy_path = build.resolve(folder, owner.policy)
      end
    end
  end
  local function resolve(path) return build.resolve(folder, path) end
  shared.finish(config.shared, resolve)
  for _, service in ipairs(services) do
    tls.finish(service.tls, resolve)
    for _, page in pairs(service.errors.pages) do page.path = resolve(page.path) end
  end
  for _, pool in ipairs(pools) do
    tls.finish_pool(pool, resolve)
    discover.finish(pool.discover, resolve)
    health.finish(pool.health, resolve)
    if build.is_path(pool.shadow) then pool.shadow_path = build.resolve(folder, pool.shadow) end
  end
  local log = config.log
  if is_file(log.target) then
    log.target = build.resolve(folder, log.target)
  end
  local access = config.access_log
  if access and is_file(access.target) then
    access.target = build.resolve(folder, access.target)
  end
  return {
    workers = config.workers,
    user = config.user,
    group = config.group,
    pid_file = config.pid_file and build.resolve(folder, config.pid_file),
    log = log,
    access_log = config.access_log,
    explain = config.explain,
    shared = config.shared,
    admin = finish_admin(config.admin, folder),
    unsafe = config.unsafe, hardening = config.hardening, lua_memory = config.lua_memory,
    services = services,
    pools = pools,
    folder = folder,
  }
end

---@param raw any  what the file returned
---@param folder string  of the file, "" or ending in "/"
---@param report table
---@return table?  -- nil when anything was reported
function build.config(raw, folder, report)
  if type(raw) ~= "table" then
    report:add("", ("the configuration is %s (expected a table)"):format(show.value(raw)))
    return nil
  end
  local config, services, pools = read_forms(raw, report)
  name_services(services, report)
  check_listeners(config, services, report)
  connect_pools(services, pools, report)
  check_pools(services, pools, report)
  discover.check(pools, report)
  mode.check(services, pools, report)
  health.check_pools(pools, report)
  loops.check(services, pools, report)
  check_admin(config.admin, report)
  if not report:is_clean() then return nil end
  return finish(config, services, pools, folder)
end

return build
