-- The runtime of a process: made once by C, which keeps what this returns.

-- The outermost function of the pooled coroutines: runs one entry, gives its verdict, waits for the
-- next one. A yield without a value is a hook that waits. C makes the first thread of it.
local yield = coroutine.yield
local function body(fn, a, b)
  while true do fn, a, b = yield(fn(a, b)) end
end

local backends = require "neap.runtime.backends"
local bound = require "neap.runtime.bound"
local config_load = require "neap.config.load"
local counters = require "neap.runtime.counters"
local datagram = require "neap.runtime.datagram"
local dispatch = require "neap.runtime.dispatch"
local ffi = require "neap.ffi"
local files_kept = require "neap.runtime.files"
local hoard = require "neap.runtime.hoard"
local health = require "neap.config.health"
local native = require "neap.native"
local neap = require "neap"
local policy = require "neap.policy"
local pools = require "neap.runtime.pools"
local ready = require "neap.check.ready"
local request = require "neap.runtime.request"
local sandbox = require "neap.runtime.sandbox"
local shared = require "neap.runtime.shared"
local show = require "neap.config.show"
local tasks = require "neap.runtime.tasks"
local tls = require "neap.config.tls"
local wait = require "neap.runtime.wait"

local C = ffi.C

local runtime = {
  body = body,
  requests = request.kept,
  run_task = tasks.run,
  end_task = tasks.finish,
  -- for the agent
  spawn = tasks.spawn,
  start_task = tasks.start,
  cancel = tasks.cancel,
  backend = backends.get,
  pool = pools.by_name,
  metrics = counters.metrics,
}

sandbox.build { neap = neap, ["neap.json"] = neap.json }

local files = { read = native.read, run = sandbox.run }

-- The first line of the file that has the admin side's token.
local function read_token(admin)
  if not admin or not admin.token_file then return true end
  local bytes, why = native.read(admin.token_file)
  if not bytes then return nil, why end
  admin.token = bytes:match "^%s*(%S+)"
  if not admin.token or #admin.token < 8 then
    return nil, admin.token_file .. ": its first line is no token (expected at least 8 visible "
      .. "characters)"
  end
  return true
end

-- Reads and checks the config.
---@return table? config, string? errors  -- one line an error
function runtime.load(path)
  sandbox.set_folder(path:match "^(.*/)" or "")
  local config, errors = config_load.load(path, files)
  if not config then return nil, config_load.format(path, errors) end
  bound.declare(config)
  sandbox.open(config.unsafe)
  runtime.config = config
  return config
end

local function read_policy(path)
  local bytes, why = native.read(path)
  if not bytes then return nil, why end
  if bytes:find "^\27" then return nil, path .. ": this is bytecode (expected Lua source)" end
  local value
  value, why = sandbox.run(bytes, "@" .. path)
  if why then
    return nil, (tostring(why):gsub("\nstack traceback:.*$", ""))
  end
  if value == nil then
    return nil, path .. ": the file returns nothing (expected a table of hooks: return policy)"
  end
  return value, nil, path .. ": "
end

-- A function that returns hooks may err like a file.
local function checked(value)
  local ok, hooks, why = pcall(policy.check, value)
  if not ok then return nil, hooks end
  return hooks, why
end

-- Once a function of the user's gets pool objects, they may have been changed.
local function look_at(hooks)
  for _, hook in pairs(hooks) do
    if not sandbox.is_ours(hook) then pools.expose() end
  end
end

local function load_policy(value, path)
  if path then return read_policy(path) end
  if type(value) ~= "string" then return value, nil, "" end
  local shipped, why = policy.shipped(value)
  return shipped, why, ""
end

local function resolve(value, path)
  local is_shipped = not path and type(value) == "string"
  local hooks
  local loaded, why, prefix = load_policy(value, path)
  if not why then hooks, why = checked(loaded) end
  if not hooks then return nil, (prefix or "") .. tostring(why) end
  if not is_shipped then look_at(hooks) end
  return hooks
end

-- The hooks of a service or pool; empty where it has no policy.
---@param value any  as the config says it
---@param path string?  of its file
function runtime.resolve(value, path)
  if value == nil then return nil end
  if not path then return resolve(value) end
  local before = files_kept.set_folder(files_kept.folder_of(path))
  local hooks, why = resolve(value, path)
  files_kept.set_folder(before)
  return hooks, why
end

-- The files that `errors` names, by status or its first digit.
local function read_pages(services, errors)
  local pages = {}
  for i, service in ipairs(services) do
    local of_service = {}
    for status, page in pairs(service.errors.pages) do
      local file, why = files_kept.read(page.path)
      if not file then table.insert(errors, { key = page.key, text = why }) end
      of_service[status] = file
    end
    pages[i] = next(of_service) and of_service or nil
    files_kept.place(i - 1, service.policy_path)
  end
  return pages
end

local function resolve_all(owners, errors)
  local resolved = {}
  for i, owner in ipairs(owners) do
    local hooks, why = runtime.resolve(owner.policy, owner.policy_path)
    if why then table.insert(errors, { key = owner.policy_key, text = why }) end
    resolved[i - 1] = hooks
  end
  return resolved
end

-- `changed` decides nothing: both run, the pool's own first.
local function both_changed(own, other)
  return function(...)
    own(...)
    other(...)
  end
end

-- The hooks that the agent runs for a pool: those of its own policy, else those of the first
-- service that uses it; `changed` of both.
local function agent_hooks(pool, index, of_services, of_pools, services)
  local hooks = {}
  local function fill(from)
    for _, name in ipairs { "check", "discover", "changed" } do
      if from and hooks[name] == nil then hooks[name] = from[name] end
    end
  end
  local own = of_pools[index] and of_pools[index].changed
  fill(of_pools[index])
  hooks.changed = nil
  for i, service in ipairs(services) do
    if service.pool == pool.name then fill(of_services[i - 1]) end
  end
  if own then hooks.changed = hooks.changed and both_changed(own, hooks.changed) or own end
  return hooks
end

-- The first key that asks for pings.
local function ping_key(config)
  for _, pool in ipairs(config.pools) do
    for _, settings in ipairs(health.list(pool.health)) do
      if settings.type == "icmp" then return show.path(pool.key, "health") end
    end
  end
  return ready.wants_ping and "neap.check.icmp"
end

-- It is better to say so now than to find every backend dead for ever.
local function check_ping(config, errors)
  local key = ping_key(config)
  if not key or C.neap_ping_check() == 1 then return end
  table.insert(errors, { key = key, text = wait.out() })
end

-- Called by C when memory is full.
function runtime.hoarder()
  return hoard.largest(runtime.of_services, #runtime.config.services)
end

-- Is there a hook that is not one of the shipped policies?
local function has_own(hooks)
  for _, hook in pairs(hooks or {}) do
    if not sandbox.is_ours(hook) then return true end
  end
  return false
end

local function any_has_own(list)
  for _, hooks in pairs(list) do
    if has_own(hooks) then return true end
  end
  return false
end

-- Do copies of what this pool gets go to another one?
local function mirrors(config, own)
  return own and (config.pools[own.index + 1].mirror or false) ~= false
end

local function load_shadows(path, config, errors)
  local real = { kept = request.kept, info = pools.info }
  local ask, more = require("neap.shadow").build(path, config, real)
  for _, e in ipairs(more) do table.insert(errors, e) end
  return ask
end

-- Loads every policy that the config names and makes the entries for C.
---@return table[]? services, string? errors
function runtime.build(path)
  local config, errors = runtime.config, {}
  pools.build(config.pools)
  errors[1] = shared.build(config.shared)
  local ok, why = read_token(config.admin)
  if not ok then table.insert(errors, { key = "admin.token_file", text = why }) end
  local of_services = resolve_all(config.services, errors)
  local of_pools = resolve_all(config.pools, errors)
  for i, service in ipairs(config.services) do
    errors[#errors + 1] = tls.check_hooks(service, of_services[i - 1])
    errors[#errors + 1] = datagram.check_hooks(service, of_services[i - 1])
  end
  local pages = read_pages(config.services, errors)
  check_ping(config, errors)
  local ask_shadow = load_shadows(path, config, errors)
  if #errors > 0 then return nil, config_load.format(path, errors) end
  local indexes, services = {}, {}
  runtime.pool_hooks = {}
  for i, pool in ipairs(config.pools) do
    indexes[pool.name] = i - 1
    runtime.pool_hooks[pool.name] = agent_hooks(pool, i - 1, of_services, of_pools, config.services)
  end
  local default = require "neap.policy.round_robin"
  local access = config.access_log
  local format = access and type(access.format) == "function" and access.format or nil
  if format then pools.expose() end
  local is_own = format ~= nil or ask_shadow ~= nil or any_has_own(of_pools)
  for i, service in ipairs(config.services) do
    local own = service.pool and pools.record(indexes[service.pool])
    services[i] = dispatch.service(i - 1, own, of_services[i - 1] or {}, of_pools, #config.pools,
      default, format, service.name, pages[i], mirrors(config, own))
    services[i].has_own = is_own or has_own(of_services[i - 1])
    services[i].refuse, services[i].guard = service.on_error == "refuse", service.guard
    services[i].shadow, services[i].have.shadow = ask_shadow, ask_shadow ~= nil
  end
  runtime.of_services, runtime.of_pools = of_services, of_pools
  sandbox.close_loading()
  shared.open()
  return services
end

return runtime
