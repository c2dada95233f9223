-- GET /status: everything neap knows now, as JSON; GET /healthz.

local agent = require "neap.agent"
local certificates = require "neap.agent.certificates"
local counts = require "neap.admin.counts"
local ffi = require "neap.ffi"
local json = require "neap.admin.json"
local native = require "neap.native"
local overlay = require "neap.agent.overlay"
local pack = require "neap.admin.pack"
local reply = require "neap.admin.reply"
local runtime = require "neap.runtime"
local stores = require "neap.admin.stores"
local words = require "neap.words"

local C = ffi.C

local status = {}

local KEPT = 0.1 -- seconds for which an answer serves again: asking often must not delay checks
local KEPT_SHARE = 5 -- and so many times as long as it took to make

-- Latency in a form to draw: percentiles now, and the buckets, whose differences are those of any
-- time between two answers.
local function latency(times)
  local buckets = json.list()
  for i = 1, #times do buckets[i] = times[i] end
  return {
    count = times.count,
    sum = times.sum,
    p50 = counts.quantile(times, 0.5) or json.null,
    p90 = counts.quantile(times, 0.9) or json.null,
    p99 = counts.quantile(times, 0.99) or json.null,
    buckets = buckets,
  }
end

local function name_of_policy(policy)
  if policy == nil then return json.null end
  return type(policy) == "string" and policy or "a " .. type(policy) .. " in the config"
end

local function hooks_of(index)
  local list = json.list()
  for hook = 0, #counts.hooks do
    local errors, killed, is_tripped = counts.hook(index, hook)
    if errors > 0 or killed > 0 or is_tripped then
      table.insert(list, {
        name = counts.hooks[hook], errors = errors, killed = killed, tripped = is_tripped,
      })
    end
  end
  return list
end

local function costs_of(index)
  local list = json.list()
  for hook = 0, #counts.hooks do
    local _, _, _, calls, seconds = counts.hook(index, hook)
    if calls > 0 then
      table.insert(list, { name = counts.hooks[hook], calls = calls, seconds = seconds })
    end
  end
  return list
end

-- The domains that certificates are got for.
local function acme_of(index)
  local list = json.list()
  for i, state in ipairs(agent.current().acme:states(index)) do
    list[i] = {
      domain = state.domain, state = state.state, error = state.error or json.null,
      valid_until = state.valid_until or json.null, next = state.next or json.null,
    }
  end
  return list
end

local function certificates_of(own)
  local list, now = json.list(), C.neap_wall_ms() / 1000
  for i, one in ipairs(own or {}) do
    list[i] = { name = one.name, file = one.file, not_after = one.not_after,
      days = certificates.days(one.not_after, now) }
  end
  return list
end

local function service_of(config, index, own)
  local s = counts.service(config.name)
  local listen = json.list()
  for i, text in ipairs(config.listen) do listen[i] = text end
  return {
    name = config.name, mode = config.mode, listen = listen, pool = config.pool or json.null,
    policy = name_of_policy(config.policy), on_error = config.on_error,
    guard = config.guard,
    requests = s.requests, connections = s.connections, bytes = s.bytes, retries = s.retries,
    aborted = s.aborted, broken = s.broken, answers = s.answers, refused = s.refused,
    dropped = config.mode == "udp" and s.dropped or nil,
    latency = latency(s.total),
    policy_calls = s.calls, policy_seconds = s.seconds, hook_errors = hooks_of(index),
    hooks = costs_of(index), acme = acme_of(index), certificates = certificates_of(own[index]),
  }
end

local function on_reload(member, count)
  if not (member.origin == "api" or member.file_weight or count.pinned) then return "null" end
  local after = {}
  if member.origin == "api" then after.backend = "it goes: only the API knows it" end
  if member.file_weight then after.weight = ("it is %d again"):format(member.file_weight) end
  if count.pinned then after.state = "it stays, until it is set to auto" end
  return json.encode(after)
end

-- The parts that rarely change, as text that is kept.
local function fixed_part(member)
  local def = member.def
  local weight = C.neap_slot_at(member.slot).weight -- a policy may have changed it
  if member.told_of == def and member.told_addresses == member.addresses
    and member.told_weight == weight then
    return member.told
  end
  local addresses = json.list()
  for i, text in ipairs(member.addresses or {}) do addresses[i] = text end
  member.told = json.encode({
    name = member.name, url = member.url, addresses = addresses, weight = weight,
    tier = def.tier, zone = def.zone or json.null, slots = def.slots or json.null,
    tags = def.tags or {},
  }):sub(1, -2)
  member.told_weight = weight
  member.told_of, member.told_addresses = def, member.addresses
  return member.told
end

local MOVING = ',"state":"%s","reason":%s,"suspect":%s,"since":%.3f,"inflight":%d,'
  .. '"requests":%d,"failures":%d,"latency":%.6f,"answers":%s,"first_byte":%s,'
  .. '"origin":{"backend":"%s","state":"%s","weight":"%s"},'
  .. '"on_reload":%s%s}'

-- Failures after connecting, with no good answer since.
local function suspicion_of(member)
  local failures, _, reason = agent.current().board.suspicion(member.slot)
  if failures == 0 then return "null" end
  return ('{"failures":%d,"reason":%s}'):format(failures, json.quote(reason))
end

local ANSWERS = '{"2xx":%d,"3xx":%d,"4xx":%d,"5xx":%d,"other":%d}'
local FIRST_BYTE = '{"count":%d,"sum":%.6f,"p50":%s,"p90":%s,"p99":%s,"buckets":[%s]}'

local function answers_text(a)
  return ANSWERS:format(a["2xx"], a["3xx"], a["4xx"], a["5xx"], a.other)
end

local function time_text(t, share)
  local s = counts.quantile(t, share)
  return s and ("%.6f"):format(s) or "null"
end

-- As services have it, but the list of buckets ends with the last that is not empty.
local function first_byte_text(t)
  local last = #t
  while last > 0 and t[last] == 0 do last = last - 1 end
  return FIRST_BYTE:format(t.count, t.sum, time_text(t, 0.5), time_text(t, 0.9),
    time_text(t, 0.99), table.concat(t, ",", 1, last))
end

-- As JSON: there may be very many.
---@param pool table  of the agent
---@param member table
---@return string text, string state, table counts
function status.backend(pool, member)
  local condition = agent.current().board.condition(member.slot)
  local c, state = counts.backend(member.slot, true), words.states[condition.state]
  local origin, ending = member.origin or pool.origin, ""
  if state == "ejected" then
    ending = (',"ejected_until":%.3f'):format(condition.ejected_until / 1000)
  end
  if c.http2_connections > 0 then
    ending = (',"http2":{"connections":%d,"streams":%d}'):format(c.http2_connections,
      c.http2_streams) .. ending
  end
  local mark = pool.marks and pool.marks[member.name]
  if mark then
    ending = (',"listed":{"since":%.3f,"revision":%s}'):format(mark.since,
      mark.revision and json.quote(mark.revision) or "null") .. ending
  end
  local shared = agent.current().sharing
  local record = shared and shared:of(pool, member)
  if record then
    ending = (',"shared":{"by":%s,"at":%.3f}'):format(json.quote(record.by), record.at) .. ending
  end
  return fixed_part(member) .. MOVING:format(state, json.quote(condition.reason),
    suspicion_of(member), condition.since / 1000, c.inflight, c.requests, c.failures, c.latency,
    answers_text(c.answers), first_byte_text(c.first_byte), origin,
    c.pinned and "api" or "auto", member.file_weight and "api" or origin,
    on_reload(member, c), ending), state, c
end

local function shadow_of(pool)
  if not pool.shadow then return json.null end
  local s, picks = counts.shadow(pool.index), json.list()
  for i, member in ipairs(pool.members) do
    local real, shadow = counts.shadow_picks(member.slot)
    picks[i] = { backend = member.name, real = real, shadow = shadow }
  end
  s.policy, s.picks = name_of_policy(pool.shadow), picks
  return s
end

local function mirror_of(pool)
  if not pool.mirror then return json.null end
  local found = counts.mirror(pool.index)
  found.pool = pool.mirror.pool
  return found
end

local function hedge_of(pool, own)
  if not pool.hedge then return json.null end
  own.hedge.after, own.hedge.share = pool.hedge.after, pool.hedge.share
  return own.hedge
end

-- How old the list is that the hook or the registry gave, and what has been wrong since.
local function discover_of(pool)
  local r = pool.registry
  if not r and not pool.hooks.discover then return json.null end
  local found = { type = r and pool.discover.type or "hook", answered = pool.answered or json.null,
    error = pool.discover_failure or json.null }
  if not r then return found end
  found.revision = pool.revision or json.null
  found.left_out, found.left_out_reason = r.left_out, r.left_out_why or json.null
  found.held = json.list()
  for i, name in ipairs(r.held) do found.held[i] = name end
  return found
end

local function strangers_of(found)
  local list = json.list()
  for i, one in ipairs(found) do list[i] = { name = one.name, reason = one.why } end
  return list
end

-- Checks that several balancers have in common.
local function shared_checks_of(pool)
  if not pool.duty then return json.null end
  local found, names = pool.duty:state(pool), json.list()
  for i, name in ipairs(found.members) do names[i] = name end
  return { name = found.name, members = names, own = found.own, shared = found.is_shared,
    answered = found.answered or json.null, error = found.error or json.null,
    strangers = strangers_of(found.strangers) }
end

local function pool_of(pool)
  local backends, up = json.list(), 0
  local inflight, requests, failures, answers = 0, 0, 0, {}
  for i, member in ipairs(pool.members) do
    local text, state, c = status.backend(pool, member)
    backends[i] = json.raw(text)
    if state == "up" or state == "unknown" then up = up + 1 end
    inflight, requests = inflight + c.inflight, requests + c.requests
    failures = failures + c.failures
    counts.add_answers(answers, c.answers)
  end
  local own = counts.pool(pool.index)
  return {
    queue = own.queue, budget = own.budget, shadow = shadow_of(pool), mirror = mirror_of(pool),
    hedge = hedge_of(pool, own),
    discover = discover_of(pool),
    name = pool.name, policy = name_of_policy(pool.policy), up = up, count = #pool.members,
    panics = pool.is_panicking or false,
    health = { type = pool.health.type, interval = pool.health.interval,
      share = shared_checks_of(pool) },
    inflight = inflight, requests = requests, failures = failures, answers = answers,
    removed = json.list(overlay.removed(pool)), latency = latency(counts.times_of(pool.members)),
    backends = backends,
  }
end

local function workers()
  local list = json.list()
  for slot = 0, 63 do
    local worker = counts.worker(slot)
    if worker then table.insert(list, worker) end
  end
  return list
end

local function recent(events)
  local list = json.list()
  for i = #events.list, 1, -1 do table.insert(list, events.list[i]) end
  return list
end

local function metrics()
  local list = json.list()
  for i, metric in ipairs(counts.named()) do list[i] = metric end
  return list
end

-- How it stands with a store that several balancers have in common.
local function redis_of(link)
  if not link then return nil end
  return { address = link.settings.address, balancers = link:balancers(),
    answered = link.answered or json.null, error = link.failure or json.null }
end

local function shared()
  local list = json.list()
  local links = agent.current().common
  for i, store in ipairs(stores.list()) do
    store.redis = redis_of(links[i])
    list[i] = store
  end
  return list
end

local function reload_of(life)
  return {
    count = life.reloads, failures = life.failures, serving_since = life.serving,
    last = life.last > 0 and life.last or json.null,
    error = life.is_failed and life.error or json.null,
  }
end

-- Changes that several balancers have in common.
local function sharing_of(sharing)
  if not sharing then return json.null end
  local link, waiting = sharing.link, 0
  for key in pairs(link.queue) do
    if key:find "^backends/" then waiting = waiting + 1 end
  end
  return { name = sharing.name, answered = link.answered or json.null,
    error = link.failure or json.null, waiting = waiting,
    strangers = strangers_of(sharing.peers:strangers()) }
end

local function build(q)
  local current, config = agent.current(), runtime.config
  local services, pools, bounds = json.list(), json.list(), json.list()
  local own = certificates.by_service()
  for i, service in ipairs(config.services) do services[i] = service_of(service, i - 1, own) end
  for i, pool in ipairs(current.pools) do pools[i] = pool_of(pool) end
  for i, bound in ipairs(counts.bounds) do bounds[i] = bound end
  local life = counts.life()
  return {
    version = native.version, config = native.config, generation = life.generation,
    started = life.started, reload = reload_of(life), now = C.neap_wall_ms() / 1000,
    draining = q.is_draining, read_only = config.admin.token == nil,
    services = services, pools = pools, workers = workers(), bounds = bounds,
    lua_memory = config.lua_memory, agent = { lua_bytes = collectgarbage "count" * 1024 },
    metrics = metrics(), shared = shared(), sharing = sharing_of(current.sharing),
    events = recent(current.events),
  }
end

local kept, kept_until = nil, 0

-- A person changed something: the next answer shows it.
function status.forget() kept = nil end

function status.answer(q)
  local now = C.neap_clock()
  if not kept or now >= kept_until then
    kept = json.encode(build(q)) .. "\n"
    local ended = C.neap_clock()
    kept_until = ended + math.max(KEPT, (ended - now) * KEPT_SHARE)
  end
  return pack.answer(q, "status", "application/json", kept)
end

-- C asks the master and answers when it knows (VM_ANSWER_RELOAD).
function status.reload(q)
  if q.is_draining then return reply.error(409, "it drains: nothing is loaded any more") end
  agent.current():note_change(q, "reloads the config")
  return { status = 0, headers = "", body = "" }
end

-- 200 while neap serves, 503 once it ends: for a balancer in front, or a supervisor.
function status.health(q)
  if q.is_draining then return reply.json(503, { status = "draining" }) end
  return reply.json(200, { status = "ok" })
end

return status
