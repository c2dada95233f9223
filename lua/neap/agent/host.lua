-- What the agent uses of its process: clock, coroutines, names, the policies' hooks.

local ffi = require "neap.ffi"
local backends = require "neap.runtime.backends"
local current = require "neap.runtime.current"
local dns = require "neap.io.dns"
local log = require "neap.runtime.log"
local ready = require "neap.check.ready"
local runtime = require "neap.runtime"
local tasks = require "neap.runtime.tasks"

local C = ffi.C

local host = { log = log }

local HOOK_IDS = require("neap.hooks").ids
local SAY_EVERY = 1 -- seconds between two lines about the same hook

-- Monotonic seconds, read anew at each call: the agent must notice when it was delayed.
host.now = C.neap_clock

host.random = C.neap_random

-- How often this process was short of files or memory itself, so far.
host.shortages = C.neap_shortages

-- Runs fn in a coroutine that may wait; on_end(ok, reason) then, unless it was cancelled. is_own:
-- it runs no code of a policy, so the fuse gives it the time that the runtime's code has.
function host.spawn(fn, on_end, is_own)
  return tasks.start { fn = fn, on_end = on_end, guarded = not is_own }
end

host.cancel = tasks.cancel

local LOOPBACK = { "127.0.0.1", "::1" }

local function is_localhost(name)
  name = name:lower():gsub("%.$", "")
  return name == "localhost" or name:find "%.localhost$" ~= nil
end

-- localhost is this machine in both families (RFC 6761 §6.3), even if the hosts file has only one.
local function with_loopback(addresses)
  local list, has = {}, {}
  for _, address in ipairs(addresses or {}) do
    table.insert(list, address)
    has[address] = true
  end
  for _, address in ipairs(LOOPBACK) do
    if not has[address] and C.neap_addr_is_ours(address, #address) == 1 then
      table.insert(list, address)
    end
  end
  return list
end

---@return boolean  -- it is an address of this machine
function host.is_ours(ip) return C.neap_addr_is_ours(ip, #ip) == 1 end

---@return string[]? addresses
---@return any ttl_or_why  seconds (-1: unknown), or why there are none
---@return integer? missing  4 or 6: about IPv4, or IPv6, nobody answered; 0: all is known
function host.resolve(name, timeout)
  local addresses, why = dns.resolve(name, timeout)
  if is_localhost(name) then return with_loopback(addresses), -1, 0 end
  if addresses then return addresses, C.neap_wait_ttl(), C.neap_wait_missing() end
  return nil, why
end

-- Another number when /etc/resolv.conf has changed.
host.dns_changes = C.neap_dns_changes

-- The object that hooks get for the backend that has the slot now.
function host.backend(slot) return backends.get(slot, C.neap_slot_at(slot).epoch) end

function host.pool(pool) return runtime.pool(pool.name) end

---@return table  check, discover, changed: functions or nil
function host.pool_hooks(name) return runtime.pool_hooks[name] end

-- One check made of those that the settings describe; if they describe none, the simplest one, for
-- when a policy's check fails all the time.
---@param list table[]
---@return function
function host.check_of(list)
  if list[1].type ~= "none" then return ready.make(list) end
  return ready.make { { type = list[1].is_udp and "udp" or "tcp", timeout = list[1].timeout } }
end

host.wants_addresses = ready.is_one
host.introduce = ready.introduce

-- The number of the first service that uses the pool: under it the board keeps its hooks.
local function service_of(pool)
  for i, service in ipairs(runtime.config.services) do
    if service.pool == pool.name then return i - 1 end
  end
  return 0
end

local function add_use(list, title, service, hooks)
  if hooks then table.insert(list, { title = title, service = service, hooks = hooks }) end
end

-- Each use of a policy: by a service, or by a pool that has one of its own.
---@return table[]  title, service (its number), hooks
function host.policies()
  local list = {}
  for i, service in ipairs(runtime.config.services) do
    add_use(list, "service " .. service.name, i - 1, runtime.of_services[i - 1])
  end
  for i, pool in ipairs(runtime.config.pools) do
    add_use(list, "pool " .. pool.name, service_of(pool), runtime.of_pools[i - 1])
  end
  return list
end

-- Whose hook it is, in log lines.
local function title_of(owner) return owner.title or "pool " .. owner.name end

-- From here on the running coroutine is in that hook: for the board and for log lines.
function host.enter(pool, hook)
  pool.service = pool.service or service_of(pool)
  C.neap_hook_enter(pool.service, HOOK_IDS[hook])
end

---@return boolean
function host.is_tripped(pool, hook)
  pool.service = pool.service or service_of(pool)
  return C.neap_board_hook_is_tripped(current.state.board, pool.service, HOOK_IDS[hook]) == 1
end

-- It ran without an error: if it was tripped, it no longer is.
function host.hook_ok(pool, hook)
  C.neap_board_hook_ok(current.state.board, pool.service or service_of(pool), HOOK_IDS[hook])
end

local said = {} -- hook of a pool, or of a use of a policy → { at =, left_out = }

-- Counts an error of a hook and logs it, once per second for each hook.
function host.hook_error(pool, hook, why)
  pool.service = pool.service or service_of(pool)
  if C.neap_board_hook_error(current.state.board, pool.service, HOOK_IDS[hook]) == 1 then
    log.error("hook %s of %s is tripped: it is left out for 30 s", hook, title_of(pool))
  end
  local key = title_of(pool) .. " " .. hook
  local entry = said[key] or { at = -SAY_EVERY, left_out = 0 }
  said[key] = entry
  if host.now() - entry.at < SAY_EVERY then
    entry.left_out = entry.left_out + 1
    return
  end
  local more = entry.left_out > 0 and (" (and %d more)"):format(entry.left_out) or ""
  entry.at, entry.left_out = host.now(), 0
  log.error("hook %s of %s: %s%s", hook, title_of(pool), (why:gsub("\n%s*", " | ")), more)
end

return host
