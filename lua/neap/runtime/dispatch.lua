-- One function a service for each entry from C: it calls the hooks in their order and checks what
-- they return. Never a pcall here: C has made the entry a protected one. What a hook raises, C
-- sees, and enters again with that hook among those to skip: then the default policy decides.

local bit = require "bit"
local ffi = require "neap.ffi"
local backends = require "neap.runtime.backends"
local current = require "neap.runtime.current"
local pools = require "neap.runtime.pools"
local reply = require "neap.runtime.reply"
local request = require "neap.runtime.request"
local views = require "neap.runtime.views"

local C = ffi.C
local state, keep, kept = current.state, request.keep, request.kept
local view_of, is_eligible, narrow = pools.view, pools.is_eligible, pools.narrow
local has_room, holds, mend = pools.has_room, pools.holds, pools.mend
local istype, Backend = ffi.istype, backends.type
local band = bit.band
local the_request, the_response = request.object, views.response
local the_failure, the_outcome = views.failure, views.outcome

local BACKEND, REPLY, NONE, QUEUE = 1, 2, 3, 4
local RETRY, FAIL, DONE = 5, 6, 9
local REQUEST_ID, BACKENDS_ID, PICK_ID, FAILED_ID, RESPONSE_ID, LOG_ID = 0, 1, 2, 3, 4, 5
local REQUEST_BIT, BACKENDS_BIT, PICK_BIT, FAILED_BIT = 1, 2, 4, 8
local LINE_ID, LOG_BIT, LINE_BIT = 10, 32, 1024
local LOG_COUNT, LINE_COUNT = 3, 4
local ASK_AGAIN_MAX = 8

local dispatch = {}

local function nothing(r, why)
  C.neap_request_set_reason(r, why, #why)
  return NONE
end

-- What a pick hook returned besides a backend.
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

-- Not eligible: an error of the hook, unless the world changed: while it waited, or in other
-- processes while it ran, when it is one of those it was given.
local function refused(picked, view)
  if state.waited == 0 and not holds(view, picked) then
    error(("pick returned backend %s (%s), which may not serve this request")
      :format(tostring(picked), picked.state or "gone"), 0)
  end
end

-- Candidates are few: some were tried, or some may be full, or the hook waited. Other workers may
-- take the last slot while the hook decides: then it is asked again, too.
local function pick_narrowed(r, record, view, pick, calls)
  local lost_slot = false
  for _ = 1, ASK_AGAIN_MAX do
    local left, is_full = narrow(view, r)
    if #left == 0 then
      if is_full then return QUEUE end
      return nothing(r, "no backend is left")
    end
    calls[PICK_ID] = calls[PICK_ID] + 1
    local picked, why = pick(the_request, left)
    if not istype(Backend, picked) then return no_backend(r, picked, why) end
    local is_in_turn = is_eligible(picked, record, pools.info(left).tier, r)
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

local function decide_in(r, record, view, pick, calls)
  r.pool = record.index
  if r.tried_n > 0 or (record.has_slots and pools.any_is_full(view)) then
    return pick_narrowed(r, record, view, pick, calls)
  end
  if #view == 0 then return nothing(r, pools.why_empty(record)) end
  calls[PICK_ID] = calls[PICK_ID] + 1
  local picked, why = pick(the_request, view)
  if not istype(Backend, picked) then return no_backend(r, picked, why) end
  local is_in_turn = is_eligible(picked, record, record.tier, r)
  if not is_in_turn or not has_room(picked) then
    refused(picked, view)
    return pick_narrowed(r, record, view, pick, calls)
  end
  r.slot, r.epoch = picked.slot, picked.epoch
  return BACKEND
end

-- What a pick makes of a pool's view, checked; writes to the view of the request only.
dispatch.decide = decide_in

local function own_hook(pool_policies, index, service, name)
  local own = pool_policies[index]
  return own and own[name] or service[name]
end

-- What `backends` gave: a pool, or a part of one.
local function chosen_view(r, value)
  local entry = pools.info(value)
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
    if entry and entry.view then return record, entry.view end
  end
  return record, view_of(record)
end

-- The common case: no hook before pick.
local function plain_decide(code, own, hook, default, calls)
  return function(skip)
    local r = state.request
    if band(skip, PICK_BIT) ~= 0 then mend(own) end
    local record, view = own, view_of(own)
    if r.has_state == 1 then record, view = pool_of(r, own) end
    state.hook[0] = code
    return decide_in(r, record, view, band(skip, PICK_BIT) == 0 and hook or default, calls)
  end
end

-- The next hook of one entry: what was timed so far is the one's before it, if there was one.
local function enter(place, before)
  if state.cost_factor ~= 0 and before then C.neap_hook_stage() end
  state.hook[0] = place
end

local function full_decide(code, own, policy, picks, default, calls)
  local on_request, on_backends = policy.request, policy.backends
  return function(skip)
    local r = state.request
    if on_request and band(skip, REQUEST_BIT) == 0 then
      state.hook[0] = code + REQUEST_ID
      calls[REQUEST_ID] = calls[REQUEST_ID] + 1
      local answer = on_request(the_request)
      if answer ~= nil then
        if not reply.is(answer) then
          error(("request returned a %s (expected nothing, or neap.reply)"):format(type(answer)), 0)
        end
        reply.write(answer, state.request)
        return REPLY
      end
    end
    if own and band(skip, PICK_BIT) ~= 0 then mend(own) end
    local record, view = pool_of(r, own)
    if on_backends and band(skip, BACKENDS_BIT) == 0 then
      enter(code + BACKENDS_ID, on_request)
      calls[BACKENDS_ID] = calls[BACKENDS_ID] + 1
      local value = on_backends(the_request, view)
      if value ~= nil then record, view = chosen_view(r, value) end
    end
    if not record then return nothing(r, "this service has no pool") end
    enter(code + PICK_ID, on_request or on_backends)
    local pick = band(skip, PICK_BIT) == 0 and picks[record.index] or default
    return decide_in(r, record, view, pick, calls)
  end
end

local function failed(code, hooks, default)
  return function(skip)
    local r = state.request
    state.hook[0] = code + FAILED_ID
    local backend = backends.get(r.slot, r.epoch)
    if not backend then return RETRY end
    local hook = band(skip, FAILED_BIT) == 0 and hooks[r.pool] or default
    local answer = hook(the_request, backend, the_failure)
    if answer == "retry" then return RETRY end
    if answer == "fail" then return FAIL end
    error(("failed returned %s (expected \"retry\" or \"fail\")"):format(tostring(answer)), 0)
  end
end

local function response(code, hooks)
  return function()
    local r = state.request
    local hook = hooks[r.pool]
    if not hook then return DONE end
    state.hook[0] = code + RESPONSE_ID
    hook(the_request, backends.get(r.slot, r.epoch), the_response)
    return DONE
  end
end

local LINE_MAX = 65536

-- What the config's function made of a request for the access log.
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

local function log(code, hook, format, calls)
  return function(skip)
    if hook and band(skip, LOG_BIT) == 0 then
      state.hook[0] = code + LOG_ID
      calls[LOG_COUNT] = calls[LOG_COUNT] + 1
      hook(the_request, the_outcome)
    end
    if format and band(skip, LINE_BIT) == 0 then
      enter(code + LINE_ID, hook)
      calls[LINE_COUNT] = calls[LINE_COUNT] + 1
      write_line(format(the_request, the_outcome))
    end
    return DONE
  end
end

-- By index of a pool: its own hook, or the service's.
local function by_pool(name, policy, pool_policies, pools_n, default)
  local hooks, has_any = {}, false
  for i = -1, pools_n - 1 do
    local hook = own_hook(pool_policies, i, policy, name)
    has_any = has_any or hook ~= nil
    hooks[i] = hook or default
  end
  return hooks, has_any
end

---@param number number  the service's, from 0
---@param own table?  the record of its pool
---@param policy table  its hooks
---@param pool_policies table<number, table>  by index of a pool
---@param pools_n number
---@param default table  the default policy
---@param format function?  makes the lines of the access log
---@param name string  the service's
---@return table  -- decide, failed, response, log; have: set of hooks that are not the default's
function dispatch.service(number, own, policy, pool_policies, pools_n, default, format, name)
  local code, calls = number * 256, C.neap_hook_calls(number, name, #name)
  local picks, has_pick = by_pool("pick", policy, pool_policies, pools_n, default.pick)
  local fails, has_failed = by_pool("failed", policy, pool_policies, pools_n, default.failed)
  local responses, has_response = by_pool("response", policy, pool_policies, pools_n)
  local is_plain = own and not policy.request and not policy.backends
  return {
    decide = is_plain and plain_decide(code + PICK_ID, own, picks[own.index], default.pick, calls)
      or full_decide(code, own, policy, picks, default.pick, calls),
    failed = failed(code, fails, default.failed),
    response = response(code, responses),
    log = (policy.log or format) and log(code, policy.log, format, calls) or nil,
    have = {
      request = policy.request ~= nil, backends = policy.backends ~= nil, pick = has_pick,
      failed = has_failed, response = has_response,
      log = policy.log ~= nil, ["access_log.format"] = format ~= nil,
    },
  }
end

return dispatch
