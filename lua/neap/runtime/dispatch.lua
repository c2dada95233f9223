-- For each service, one function for each entry from C: it calls the hooks in their order and
-- checks what they return. There is no pcall here: C has made the entry a protected one. If a hook
-- raises an error, C sees it and enters again with that hook among those to skip: then the default
-- policy decides.

local bit = require "bit"
local ffi = require "neap.ffi"
local backends = require "neap.runtime.backends"
local certificates = require "neap.runtime.certificate"
local current = require "neap.runtime.current"
local datagrams = require "neap.runtime.datagram"
local hello = require "neap.runtime.hello"
local numbered = require "neap.hooks"
local own_answers = require "neap.runtime.own_answers"
local pools = require "neap.runtime.pools"
local reply = require "neap.runtime.reply"
local request = require "neap.runtime.request"
local views = require "neap.runtime.views"

local C, N = ffi.C, ffi.numbers
local state, keep, kept = current.state, request.keep, request.kept
local view_of, is_eligible, narrow = pools.view, pools.is_eligible, pools.narrow
local has_room, holds, info_of = pools.has_room, pools.holds, pools.info
local istype, Backend = ffi.istype, backends.type
local band, bor = bit.band, bit.bor
local the_request, the_response = request.object, views.response
local the_failure, the_outcome = views.failure, views.outcome

local REFUSE = N.NEAP_REFUSE
local BACKEND, REPLY, NONE, QUEUE = N.NEAP_BACKEND, N.NEAP_REPLY, N.NEAP_NONE, N.NEAP_QUEUE
local RETRY, FAIL, DONE = N.NEAP_RETRY, N.NEAP_FAIL, N.NEAP_DONE
local ids, bits = numbered.ids, numbered.bits
local REQUEST_ID, BACKENDS_ID, PICK_ID = ids.request, ids.backends, ids.pick
local FAILED_ID, RESPONSE_ID, LOG_ID, LINE_ID = ids.failed, ids.response, ids.log, ids.line
local REQUEST_BIT, BACKENDS_BIT, PICK_BIT = bits.request, bits.backends, bits.pick
local CERTIFICATE_ID, CONNECTION_ID = ids.certificate, ids.connection
local CERTIFICATE_BIT, CONNECTION_BIT = bits.certificate, bits.connection
local FAILED_BIT, RESPONSE_BIT, LOG_BIT, LINE_BIT = bits.failed, bits.response, bits.log, bits.line
-- Where calls are counted: see neap_hook_calls.
local REQUEST_COUNT, BACKENDS_COUNT = N.NEAP_COUNTED_REQUEST, N.NEAP_COUNTED_BACKENDS
local PICK_COUNT = N.NEAP_COUNTED_PICK
local LOG_COUNT, LINE_COUNT = N.NEAP_COUNTED_LOG, N.NEAP_COUNTED_LINE
local ASK_AGAIN_MAX = 8

local dispatch = {}

local function nothing(r, why)
  C.neap_request_set_reason(r, why, #why)
  return NONE
end

-- Handles what a pick hook returned besides a backend.
local function no_backend(r, picked, why)
  if picked ~= nil then
    error(("pick returned a %s (expected a backend of the pool, or nil and a reason)")
      :format(type(picked) == "cdata" and tostring(picked) or type(picked)), 0)
  end
  if why == "queue" then return QUEUE end
  if why ~= nil and type(why) ~= "string" then
    error(("pick returned nil and a %s (expected a reason, or \"queue\")"):format(type(why)), 0)
  end
  return nothing(r, why or "no backend was picked")
end

-- A backend that is not eligible is an error of the hook, unless things changed: while the hook
-- waited, or, for a backend that it was given, in other processes while it ran.
local function refused(picked, view)
  if state.waited == 0 and not holds(view, picked) then
    error(("pick returned backend %s (%s), which may not serve this request")
      :format(tostring(picked), picked.state or "gone"), 0)
  end
end

-- Candidates are few: some were tried, or some may be full, or the hook waited. Another worker may
-- take the last slot while the hook decides: then the hook is called again, too.
local function pick_narrowed(r, record, view, pick, calls, ran)
  local lost_slot = false
  for _ = 1, ASK_AGAIN_MAX do
    local left, is_full = narrow(view, r)
    if info_of(left).n == 0 then
      if is_full then return QUEUE end
      return nothing(r, "no backend is left")
    end
    calls[PICK_COUNT] = calls[PICK_COUNT] + 1
    r.ran = bor(r.ran, ran)
    local picked, why = pick(the_request, left)
    if not istype(Backend, picked) then return no_backend(r, picked, why) end
    local is_in_turn = is_eligible(picked, record, info_of(left).tier, r)
    if is_in_turn and has_room(picked) then
      r.slot, r.epoch = picked.slot, picked.epoch
      return BACKEND
    end
    refused(picked, left)
    lost_slot = is_in_turn
  end
  if lost_slot then return QUEUE end
  return nothing(r, "the picked backends went down meanwhile")
end

-- `ran` is the bit of the pick hook in r.ran, 0 when `pick` is the default's.
local function decide_in(r, record, view, pick, calls, ran)
  r.pool = record.index
  if r.tried_n > 0 or (record.has_slots and pools.any_is_full(view)) then
    return pick_narrowed(r, record, view, pick, calls, ran)
  end
  if info_of(view).n == 0 then return nothing(r, pools.why_empty(record, view)) end
  calls[PICK_COUNT] = calls[PICK_COUNT] + 1
  r.ran = bor(r.ran, ran)
  local picked, why = pick(the_request, view)
  if not istype(Backend, picked) then return no_backend(r, picked, why) end
  local is_in_turn = is_eligible(picked, record, record.tier, r)
  if not is_in_turn or not has_room(picked) then
    refused(picked, view)
    return pick_narrowed(r, record, view, pick, calls, ran)
  end
  r.slot, r.epoch = picked.slot, picked.epoch
  return BACKEND
end

-- The checked result of a pick on a pool's view; writes to the view of the request only.
dispatch.decide = decide_in

local function own_hook(pool_policies, index, service, name)
  local own = pool_policies[index]
  return own and own[name] or service[name]
end

-- Checks what `backends` gave: a pool, or a part of one.
local function chosen_view(r, value)
  local entry = info_of(value)
  if not entry then
    error(("backends returned a %s (expected a pool, or a part of one)"):format(type(value)), 0)
  end
  if entry.record.view ~= value then keep(r).view = value end
  r.pool = entry.record.index
  return entry.record, value
end

-- The pool that this request has, from an earlier attempt or by default.
local function pool_of(r, own)
  local record = r.pool >= 0 and pools.record(r.pool) or own
  if not record then return nil end
  if r.has_state == 1 then
    local entry = kept[tonumber(r.id)]
    if entry and entry.view then
      entry.view = pools.whole(entry.view)
      return record, entry.view
    end
  end
  return record, view_of(record)
end

-- The common case: no hook before pick.
local function plain_decide(code, own, hook, default, calls)
  return function(skip)
    local r = state.request
    local record, view = own, view_of(own)
    if r.has_state == 1 then record, view = pool_of(r, own) end
    state.hook[0] = code
    if not hook or band(skip, PICK_BIT) ~= 0 then
      return decide_in(r, record, view, default, calls, 0)
    end
    return decide_in(r, record, view, hook, calls, PICK_BIT)
  end
end

-- The next hook of one entry: the time measured so far belongs to the hook before it, if there was
-- one.
local function enter(place, before)
  if state.cost_factor ~= 0 and before then C.neap_hook_stage() end
  state.hook[0] = place
end

-- Checks what a request hook returned.
local function answered(answer)
  if not reply.is(answer) then
    error(("request returned a %s (expected nothing, or neap.reply { status =, body = })")
      :format(type(answer)), 0)
  end
  reply.write(answer, state.request)
  return REPLY
end

local function full_decide(code, own, policy, picks, default, calls)
  local request_hook, backends_hook = policy.request, policy.backends
  return function(skip)
    local r = state.request
    if request_hook and band(skip, REQUEST_BIT) == 0 then
      state.hook[0] = code + REQUEST_ID
      calls[REQUEST_COUNT] = calls[REQUEST_COUNT] + 1
      r.ran = REQUEST_BIT
      local answer = request_hook(the_request)
      if answer ~= nil then return answered(answer) end
    end
    local record, view = pool_of(r, own)
    if backends_hook and band(skip, BACKENDS_BIT) == 0 then
      enter(code + BACKENDS_ID, request_hook)
      calls[BACKENDS_COUNT] = calls[BACKENDS_COUNT] + 1
      r.ran = bor(r.ran, BACKENDS_BIT)
      local value = backends_hook(the_request, view)
      if value ~= nil then record, view = chosen_view(r, value) end
    end
    if not record then return nothing(r, "this service has no pool, and its policy chose none") end
    enter(code + PICK_ID, request_hook or backends_hook)
    local hook = band(skip, PICK_BIT) == 0 and picks[record.index]
    return decide_in(r, record, view, hook or default, calls, hook and PICK_BIT or 0)
  end
end

local function failed(code, hooks, default)
  return function(skip)
    local r = state.request
    state.hook[0] = code + FAILED_ID
    local backend = backends.get(r.slot, r.epoch)
    if not backend then return RETRY end
    local hook = band(skip, FAILED_BIT) == 0 and hooks[r.pool]
    if hook then r.ran = FAILED_BIT end
    local failed_hook = hook or default -- its name in tracebacks
    local answer = failed_hook(the_request, backend, the_failure)
    if answer == "retry" then return RETRY end
    if answer == "fail" then return FAIL end
    error(("failed returned %s (expected \"retry\" or \"fail\")"):format(tostring(answer)), 0)
  end
end

-- Hooks that decide nothing: the pool's own and the service's both run, the pool's first.
local function response(code, own, service_hook)
  return function()
    local r = state.request
    local pool_hook = own[r.pool]
    if not pool_hook and not service_hook then return DONE end
    state.hook[0], r.ran = code + RESPONSE_ID, RESPONSE_BIT
    local backend = backends.get(r.slot, r.epoch)
    if pool_hook then pool_hook(the_request, backend, the_response) end
    if service_hook then service_hook(the_request, backend, the_response) end
    return DONE
  end
end

local LINE_MAX = 65536

-- The line that the config's function made of a request for the access log.
local function write_line(line)
  if line == nil or line == false then
    C.neap_access_line(nil, 0)
  elseif type(line) ~= "string" or #line > LINE_MAX then
    error(("access_log.format returned %s (expected a text of up to %d bytes, or nil)")
      :format(type(line) == "string" and #line .. " bytes" or "a " .. type(line), LINE_MAX), 0)
  elseif C.neap_access_line(line, #line) == 0 then
    error("access_log.format: no memory for the line", 0)
  end
end

local function log(code, own, service_hook, format, calls)
  return function(skip)
    local r = state.request
    local pool_hook = own[r.pool]
    local has_log = pool_hook or service_hook
    if has_log and band(skip, LOG_BIT) == 0 then
      state.hook[0], r.ran = code + LOG_ID, LOG_BIT
      calls[LOG_COUNT] = calls[LOG_COUNT] + 1
      if pool_hook then pool_hook(the_request, the_outcome) end
      if service_hook then service_hook(the_request, the_outcome) end
    end
    if format and band(skip, LINE_BIT) == 0 then
      enter(code + LINE_ID, has_log)
      r.ran = bor(r.ran, LINE_BIT)
      calls[LINE_COUNT] = calls[LINE_COUNT] + 1
      write_line(format(the_request, the_outcome))
    end
    return DONE
  end
end

-- A handshake is asked about once; after an error of the hook, not again.
local function certificate(code, hook)
  return function(skip)
    local r = state.request
    if band(skip, CERTIFICATE_BIT) ~= 0 then return DONE end
    state.hook[0], r.ran = code + CERTIFICATE_ID, CERTIFICATE_BIT
    local answer = hook(hello.of(r))
    if answer ~= nil then certificates.give(answer, r) end
    return DONE
  end
end

local function connection(code, hook)
  return function(skip)
    local r = state.request
    if band(skip, CONNECTION_BIT) ~= 0 then return DONE end
    state.hook[0], r.ran = code + CONNECTION_ID, CONNECTION_BIT
    local answer = hook(hello.connection)
    if answer == nil then return DONE end
    if answer == "close" then return REFUSE end
    error(("connection returned %s (expected nothing, or \"close\")"):format(tostring(answer)), 0)
  end
end

-- By index of a pool: its own hook, or the service's.
local function by_pool(name, policy, pool_policies, pools_n)
  local hooks, has_any = {}, false
  for i = -1, pools_n - 1 do
    hooks[i] = own_hook(pool_policies, i, policy, name)
    has_any = has_any or hooks[i] ~= nil
  end
  return hooks, has_any
end

-- Is nothing asked before `pick`, and always about the service's own pool?
local function is_direct(own, policy, mirrors)
  return own and not mirrors and not policy.request and not policy.backends
end

---@param number number  the service's, from 0
---@param own table?  the record of its pool
---@param policy table  its hooks
---@param pool_policies table<number, table>  by index of a pool
---@param pools_n number
---@param default table  the default policy
---@param format function?  makes the lines of the access log
---@param name string  the service's
---@param pages table<integer, table>?  for answers of neap's own, by status
---@param mirrors boolean?  copies of its requests go to another pool, whose pick is asked, too
---@return table  -- decide, failed, response, log; have: set of hooks that are not the default's
function dispatch.service(number, own, policy, pool_policies, pools_n, default, format, name,
  pages, mirrors)
  hello.name_service(number, name)
  local code, calls = number * 256, C.neap_hook_calls(number, name, #name)
  local picks, has_pick = by_pool("pick", policy, pool_policies, pools_n)
  local fails, has_failed = by_pool("failed", policy, pool_policies, pools_n)
  local responses, has_response = by_pool("response", {}, pool_policies, pools_n)
  local logs, has_log = by_pool("log", {}, pool_policies, pools_n)
  has_response, has_log = has_response or policy.response ~= nil, has_log or policy.log ~= nil
  local is_plain = is_direct(own, policy, mirrors)
  return {
    decide = is_plain and plain_decide(code + PICK_ID, own, picks[own.index], default.pick, calls)
      or full_decide(code, own, policy, picks, default.pick, calls),
    failed = failed(code, fails, default.failed),
    response = response(code, responses, policy.response),
    log = (has_log or format) and log(code, logs, policy.log, format, calls) or nil,
    certificate = policy.certificate and certificate(code, policy.certificate),
    connection = policy.connection and connection(code, policy.connection),
    key = policy.key and datagrams.entry(code, policy.key),
    ready_key = policy.key and datagrams.ready(policy.key),
    error = (policy.error or pages) and own_answers.entry(code, policy.error, pages),
    have = {
      error = policy.error ~= nil or pages ~= nil,
      key = policy.key ~= nil,
      certificate = policy.certificate ~= nil, connection = policy.connection ~= nil,
      request = policy.request ~= nil, backends = policy.backends ~= nil, pick = has_pick,
      failed = has_failed, response = has_response,
      log = has_log, ["access_log.format"] = format ~= nil,
    },
  }
end

return dispatch
