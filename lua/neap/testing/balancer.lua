-- A virtual balancer: a runtime of its own, over a virtual board, clock and network. The very files
-- that decide in neap decide here.

local bit = require "bit"
local facade = require "neap.testing.facade"
local ffi = require "neap.ffi"
local fuse = require "neap.testing.fuse"
local host = require "neap.testing.host"
local image = require "neap.testing.image"
local instance = require "neap.instance"
local native = require "neap.native"
local numbered = require "neap.hooks"
local requests = require "neap.testing.requests"
local watch = require "neap.watch"
local words = require "neap.words"

local Balancer = {}
Balancer.__index = Balancer

local OWN_KEYS = { seed = true, time = true, network = true, config = true, contain = true,
  light = true, read = true, title = true, passes = true, like = true }
local N = ffi.numbers
local BACKEND, REPLY, NONE, QUEUE = N.NEAP_BACKEND, N.NEAP_REPLY, N.NEAP_NONE, N.NEAP_QUEUE
local RETRY, FAIL, DONE, REFUSE = N.NEAP_RETRY, N.NEAP_FAIL, N.NEAP_DONE, N.NEAP_REFUSE
local HOOKS, STATES = words.hooks, words.states
local SCHEMES = { tcp = "tcp", udp = "udp" } -- of backends, by mode
local DIRECT = { weight = true, slots = true, tier = true } -- fields of a row
local DECISIVE = { decide = true, failed = true, error = true }
local WAIT = { decide = N.NEAP_WAITS, failed = N.NEAP_WAITS, certificate = N.NEAP_WAITS,
  response = N.NEAP_WAITS_FOR_BODY }
local FIRST = { certificate = "certificate", connection = "connection",
  error = "error", key = "key" } -- hooks of entries
local BEFORE_PICK = numbered.before_pick

local function copied(from)
  local to = {}
  for key, value in pairs(from) do to[key] = value end
  return to
end

-- "b1", { name = "b1" } or a number of backends, as the config has them.
local function backend_of(item, scheme)
  if type(item) == "string" and item:find "^[%w_.-]+$" and not item:find "^%d+$" then
    return { url = ("%s://%s:80"):format(scheme, item), name = item }
  end
  if type(item) ~= "table" or item.url ~= nil or type(item.name) ~= "string" then return item end
  local whole = copied(item)
  whole.url = ("%s://%s:80"):format(scheme, (item.name:gsub("[^%w_.-]", "-")))
  return whole
end

-- mode: of the service.
local function backends_of(given, mode)
  local scheme = SCHEMES[mode] or "http"
  if type(given) == "number" then
    local list = {}
    for i = 1, given do list[i] = { url = ("%s://b%d:80"):format(scheme, i), name = "b" .. i } end
    return list
  end
  if type(given) ~= "table" then return given end
  local list = copied(given)
  for i, item in ipairs(list) do list[i] = backend_of(item, scheme) end
  return list
end

local function config_of(options)
  local raw = {}
  for key, value in pairs(options) do
    if not OWN_KEYS[key] then raw[key] = value end
  end
  raw.backends = raw.backends and backends_of(raw.backends, raw.mode)
  if type(raw.pools) == "table" then
    local pools = {}
    for name, pool in pairs(raw.pools) do
      pools[name] = type(pool) == "table" and copied(pool) or pool
      if type(pool) == "table" then pools[name].backends = backends_of(pool.backends, raw.mode) end
    end
    raw.pools = pools
  end
  return raw
end

-- Strings have one metatable in a process: the balancer's user code does not change it.
local function globals(fused)
  local coroutines = copied(coroutine)
  local is_yieldable, running = coroutine.isyieldable, coroutine.running
  -- Waiting needs no yield here. But if neap could not yield there, it is an error here too; the
  -- light path runs on the main thread and cannot find out.
  function coroutines.isyieldable() return not running() or is_yieldable() end
  return {
    coroutine = coroutines,
    load = fused and fused:load() or load,
    getmetatable = function(value)
      if type(value) == "string" then return {} end
      return getmetatable(value)
    end,
  }
end

local function fail(text) error(text, 0) end

local function load_config(self, options)
  local runtime = self.runtime
  if options.config then
    local config, errors = runtime.load(options.config)
    if not config then fail(errors) end
    return config
  end
  local load, sandbox = self.require "neap.config.load", self.require "neap.runtime.sandbox"
  local config, errors = load.from_table(config_of(options), "")
  if not config then fail(load.format("testing", errors)) end
  self.require("neap.runtime.bound").declare(config, true)
  sandbox.set_folder ""
  sandbox.open(config.unsafe)
  runtime.config = config
  return config
end

local function agent_board(self)
  self.board_of_agent = self.board_of_agent or self.require("neap.agent.board").attach()
  return self.board_of_agent
end

-- Puts the backends of a pool on the board, as members in this order, all up.
function Balancer:publish(pool, list)
  local board, slots = agent_board(self), {}
  local index = board.pool(pool)
  for i, backend in ipairs(list) do
    slots[i] = board.publish(index, backend, {})
    if self.world.board.rows[slots[i]].state == 0 then
      self.world.C.neap_board_checked(nil, slots[i], 1, "", 0)
    end
  end
  board.set_members(index, slots)
  self.slots_of[pool] = slots
end

-- Gives a pool other backends from now on.
function Balancer:republish(pool, given)
  local load = self.require "neap.config.load"
  local list, errors = load.backends(backends_of(given, self.service.mode), "backends")
  if not list then error(load.format("testing", errors), 3) end
  self:publish(pool, list)
end

local function publish_all(self, config)
  for _, pool in ipairs(config.pools) do self:publish(pool.name, pool.backends) end
end

-- What the board shows from now on may be that of other balancers, until it changes.
local function show_image(self, shown)
  local at = self.require("neap.runtime.backends").at
  local world = self.world
  function world.board.on_own(slot, row) at[slot] = row end
  image.show(world.C, world.board, shown.image)
  self.slots_of = copied(shown.slots_of)
end

-- What other balancers with the same backends can be made of: `like` among their options.
---@return table
function Balancer:image()
  return { image = image.take(self.world.board), slots_of = self.slots_of }
end

-- Tasks run at once: nothing else happens while a hook waits.
local function add_tasks(self)
  local tasks, current = self.require "neap.runtime.tasks", self.world.current
  function self.world.run_task(number)
    local request = current.request
    current.request = nil -- a task is outside of any
    local ok, why = pcall(tasks.run, number)
    if not ok then tasks.finish(number, why) end
    current.request = request
  end
end

-- The hooks of a policy that stand between it and the runtime; see guard.lua.
local function intercept(self, options)
  local dispatch = self.require "neap.runtime.dispatch"
  local guard, service = require "neap.testing.guard", dispatch.service
  function dispatch.service(number, own, policy, of_pools, ...)
    local guarded = {}
    for i, hooks in pairs(of_pools) do guarded[i] = guard.hooks(self, hooks, options.light) end
    return service(number, own, guard.hooks(self, policy, options.light), guarded, ...)
  end
  return function() dispatch.service = service end
end

local function load_and_build(self, options)
  local restore = intercept(self, options)
  local config = load_config(self, options)
  if not self.is_file then self.require("neap.runtime.files").stay_open() end
  local services, errors = self.runtime.build(options.config or "testing")
  restore()
  if not services then fail(errors) end
  return config, services
end

local function load_all(self, options)
  watch.enter(self, "loading it")
  local ok, config, services = fuse.pcall(load_and_build, self, options)
  watch.leave()
  if not ok then error(config, 0) end
  return config, services
end

---@param options table  the keys of a config, and: config = path of one; seed, time, network;
---  contain = true: erring hooks are the default's to mend, as in neap, not errors of the spec;
---  passes = true: what the hook `request` answers goes on as if it had not (for the contract);
---  like = what image() of another gave: the same backends (then those of the config count for
---  nothing); light = true: without the checks that cost time; read(path): what reads files;
---  title: what  messages call the policy
---@return table
function Balancer.new(options)
  local self = setmetatable({ slots_of = {}, errors = {}, faults = {}, fills = {},
    title = options.title }, Balancer)
  self.world = host.new(options)
  self.fused = not options.light and fuse.new() or nil
  local own_native = { read = options.read or native.read,
    has = native.has or function() return false end, embedded = native.embedded,
    list = native.list, is_worker = true }
  local drop
  self.require, drop = instance.new {
    C = self.world.C, native = own_native, globals = globals(self.fused),
  }
  self.end_of_it = ffi.gc(ffi.new "uint8_t[1]", drop)
  self.runtime = self.require "neap.runtime"
  self.neap = self.require "neap"
  add_tasks(self)
  self.contain, self.light, self.passes = options.contain, options.light, options.passes
  self.is_file = options.config ~= nil or type(options.policy) == "string"
  facade.use(self.neap)
  local config, services = load_all(self, options)
  self.config = config
  if options.like then show_image(self, options.like) else publish_all(self, config) end
  self.service, self.entries = config.services[1], services[1]
  local limits = self.service.limits
  self.world.limits, self.world.hook_body_bytes = limits, limits and limits.hook_body_bytes
  self.is_tcp = self.service.mode == "tcp"
  self.kept = self.runtime.requests
  self.started = self.world.now()
  self.count = self.world.board.slots_n()
  return self
end

-- From now on `neap` in the spec's policies belongs to this balancer.
function Balancer:activate() facade.use(self.neap) end

---@return table record
function Balancer:request(fields) return requests.new(self.world, fields, self.is_tcp) end

-- The same request once more, as a new one.
function Balancer:renew(record)
  self:finish(record)
  requests.renew(self.world, record)
end

-- Ends a request: frees what hooks kept of it.
function Balancer:finish(record)
  self.world.end_holds(record)
  self.kept[record.id] = nil
  self.world.records[record.id] = nil
end

-- The light path: no protection, the caller gets an error of a hook. 1 … N over all pools.
---@return integer? index, string? why  "queue", "reply", or the reason
function Balancer:pick(record)
  local r, current = record.struct, self.world.current
  current.request, current.may_wait, current.waited = r, 1, 0
  local verdict = self.entries.decide(r.attempt > 1 and BEFORE_PICK or 0)
  if verdict == BACKEND then return r.slot + 1 end
  if verdict == REPLY then return nil, "reply" end
  if verdict == QUEUE then return nil, "queue" end
  return nil, ffi.string(r.reason)
end

function Balancer:take(index) self.world.board.add_inflight(index - 1, 1) end
function Balancer:release(index) self.world.board.add_inflight(index - 1, -1) end

function Balancer:inflight(index) return self.world.board.inflight(index - 1) end
function Balancer:name(index) return self.world.board.name(index - 1) end
function Balancer:set_time(seconds) self.world.clock[0] = seconds end

---@return any  the object that hooks see
function Balancer:backend(index)
  return self.runtime.backend(index - 1, self.world.board.rows[index - 1].epoch)
end

function Balancer:state(index) return STATES[self.world.board.rows[index - 1].state] end

-- Changes what is known of a backend.
---@param values table  weight, slots, tier, inflight, latency (seconds), state
function Balancer:set(index, values)
  local slot, board = index - 1, self.world.board
  for key, value in pairs(values) do
    if DIRECT[key] then
      board.own(slot)[key] = value or 0
      board.changed(slot)
    elseif key == "inflight" then
      board.set_inflight(slot, value)
    elseif key == "latency" then
      board.own(slot).latency_us = value * 1e6
    elseif key == "state" and board.states[value] then
      self.world.C.neap_board_set_state(nil, slot, board.states[value], "", 0)
    else
      error(("%s = %s of a backend cannot be set (weight, slots, tier, inflight, latency, state)")
        :format(tostring(key), tostring(value)), 2)
    end
  end
end

local STAGES, KINDS = words.numbers(words.stages), words.numbers(words.kinds)

local function failure_struct(self, f)
  local struct = self.failure or ffi.new "neap_failure"
  self.failure = struct
  struct.stage, struct.kind = STAGES[f.stage], KINDS[f.kind]
  struct.status, struct.safe = f.status or 0, f.safe == false and 0 or 1
  struct.ours, struct.kept = f.ours and 1 or 0, f.kept and 1 or 0
  struct.grpc_status = f.grpc_status or 0
  ffi.copy(struct.message, (f.message or f.kind):sub(1, 255))
  return struct
end

-- The attempt on the backend that pick gave has failed: returns what the policy wants.
---@param f table  stage, kind; status, grpc_status, message, safe, ours, kept
---@return "retry"|"fail"
function Balancer:failed(record, f)
  local r, current = record.struct, self.world.current
  local slot = r.slot
  self.world.board.errors[slot] = self.world.board.errors[slot] + 1
  current.request, current.may_wait, current.waited = r, 1, 0
  current.failure = failure_struct(self, f)
  local verdict = self.entries.failed(0)
  current.failure = nil
  if verdict ~= RETRY then return "fail" end
  requests.tried(record, slot)
  return "retry"
end

-- The answer's head came after so many seconds.
function Balancer:answered(record, seconds, status)
  local r, world = record.struct, self.world
  world.board.add_latency(r.slot, seconds)
  world.board.trust(r.slot)
  if not self.entries.have.response then return end
  local response = self.response or ffi.new "neap_response"
  self.response = response
  response.status, response.latency_us = status or 200, seconds * 1e6
  world.response_record = { fields = {} }
  world.current.request, world.current.response = r, response
  world.current.may_wait = N.NEAP_WAITS_FOR_BODY
  self.entries.response(0)
  world.current.response = nil
end

-- The hook that runs, or ran last.
function Balancer:hook() return HOOKS[bit.band(self.world.hook[0], 255)] end

local function describe(text)
  text = tostring(text)
  local message, trace = text:match "^(.-)\nstack traceback:\n(.*)$"
  return message or text, trace
end

-- Hooks run in a coroutine, as in neap.
local function thread_body(fn, skip)
  while true do fn, skip = coroutine.yield(fn(skip)) end
end

local function run_entry(self, fn, skip)
  local thread = self.thread or coroutine.create(thread_body)
  watch.enter(self)
  local ok, verdict = fuse.resume(thread, fn, skip)
  watch.leave()
  self.thread = ok and thread or nil
  if ok then return true, verdict end
  return false, debug.traceback(thread, tostring(verdict))
end

-- What follows where the default may not stand in for a hook that erred.
local function guarded(entries, entry)
  if entry == "error" then return nil end
  if entries.guard and entry ~= "log" then return REFUSE end
  return entries.refuse and (entry == "decide" and REFUSE or FAIL) or nil
end

-- Enters as neap does: a hook that errs is left out, and the default decides; see
-- src/script/entry.c.
---@param entry "decide"|"failed"|"response"|"log"|"certificate"|"connection"|"error"|"key"
---@param skip integer
---@return integer verdict
function Balancer:enter(record, entry, skip)
  local world = self.world
  self:activate()
  repeat
    world.current.request, world.current.waited = record.struct, 0
    world.current.may_wait = WAIT[entry] or N.NEAP_WAITS_NOT
    world.hook[0] = numbered.ids[FIRST[entry] or "pick"]
    local ok, verdict = run_entry(self, self.entries[entry], skip)
    world.current.request = nil
    if ok then return verdict end
    local id = bit.band(world.hook[0], 255)
    local text, trace = describe(verdict)
    table.insert(self.errors, { hook = HOOKS[id], text = text, trace = trace })
    world.say("error", ("hook %s of service %s: %s"):format(HOOKS[id], self.service.name, text))
    local default_failed = bit.band(bit.rshift(skip, id), 1) == 1
    skip = bit.bor(skip, bit.lshift(2, id) - 1)
    record.reply = nil
    local verdict_of_guard = guarded(self.entries, entry)
    if verdict_of_guard then return verdict_of_guard end
  until default_failed or not DECISIVE[entry]
  if entry == "decide" then
    ffi.copy(record.struct.reason, "no decision")
    return NONE
  end
  return entry == "log" and DONE or FAIL
end

Balancer.failure_struct = failure_struct

return Balancer
