-- One whole request through a virtual balancer: request, backends, pick, failed, response and log,
-- as src/proxy drives them.

local body = require "neap.testing.body"
local call = require "neap.testing.call"
local faults = require "neap.testing.faults"
local ffi = require "neap.ffi"
local grpc = require "neap.config.grpc"
local health = require "neap.testing.health"
local message = require "neap.testing.message"
local requests = require "neap.testing.requests"
local routines = require "neap.testing.routines"
local route = require "neap.testing.route"
local serve = require "neap.runtime.serve"
local words = require "neap.words"

local exchange = {}

local N = ffi.numbers
local BACKEND, REPLY, NONE, QUEUE = N.NEAP_BACKEND, N.NEAP_REPLY, N.NEAP_NONE, N.NEAP_QUEUE
local RETRY, FAIL, REFUSE = N.NEAP_RETRY, N.NEAP_FAIL, N.NEAP_REFUSE
local BEFORE_PICK = require("neap.hooks").before_pick
local ASK_AGAIN = 0.1 -- seconds

local IDEMPOTENT = { GET = true, HEAD = true, OPTIONS = true, TRACE = true, PUT = true,
  DELETE = true }

local WORDS = {
  refused = "no backend accepted the connection",
  reset = "the backend closed the connection",
  protocol = "the backend sent an invalid answer",
  status = "the backend answered with a failure status",
  tls = "TLS with the backend failed",
}

local function words_of(failure)
  if failure.ours then return failure.message end
  if failure.kind ~= "timeout" then return WORDS[failure.kind] end
  return failure.stage == "connect" and "connecting to the backend timed out"
    or "the backend did not answer in time"
end

local function lower_map(fields)
  local map = {}
  for _, field in ipairs(fields) do
    local name = field[1]:lower()
    map[name] = map[name] and map[name] .. ", " .. field[2] or field[2]
  end
  return map
end

local TITLES = { [413] = "Content Too Large",
  [502] = "Bad Gateway", [503] = "Service Unavailable", [504] = "Gateway Timeout" }

-- What the policy's hook `error`, or a page of the config, says in place of neap.
local function own_words(balancer, record, status, reason)
  if not balancer.entries.have.error then return nil end
  local o, world = ffi.new "neap_outcome", balancer.world
  o.status, o.reason = status, reason
  record.reply, world.current.outcome = nil, o
  local verdict = balancer:enter(record, "error", 0)
  world.current.outcome = nil
  return verdict == REPLY and record.reply or nil
end

-- neap's own answer, with the reason.
local function refuse(balancer, record, result, status, reason, is_full)
  result.status, result.reason = status, reason
  if result.is_call then
    call.finish(result, call.of_http(status, is_full), reason, { { "x-neap-error", reason } })
    return
  end
  result.body = ("%s: %s\n"):format(TITLES[status], reason)
  result.fields = { { "x-neap-error", reason } }
  local said = own_words(balancer, record, status, reason)
  if not said then return end
  result.status, result.body = said.status, said.body
  for _, field in ipairs(said.headers) do table.insert(result.fields, field) end
end

local function pool_of(balancer, record)
  return route.pool(balancer.config.pools[record.struct.pool + 1], record)
end

local function is_safe(record, pool, failure)
  return IDEMPOTENT[record.method] or pool.retry.unsafe or failure.stage == "connect"
    or failure.grpc_status ~= nil
end

local function attempt_is_left(record, pool)
  local most = pool.retry.attempts
  return most == "all" or record.struct.attempt < most
end

local function is_tried(r, slot)
  for i = 0, r.tried_n - 1 do
    if r.tried[i] == slot then return true end
  end
  return slot == r.slot
end

local function candidate_is_left(balancer, record, pool)
  for _, slot in ipairs(balancer.slots_of[pool.name]) do
    local row = balancer.world.board.rows[slot]
    if serve.may(row, false, row.tier) and not is_tried(record.struct, slot) then return true end
  end
  return false
end

local function has(list, status)
  for _, one in ipairs(list or {}) do
    if one == status then return true end
  end
  return false
end

-- The failure that an answer counts as, by the pool's settings; nil: none.
local function failure_of(pool, given)
  local failure = { stage = "wait", kind = "status", status = given.status }
  if given.grpc_status and has(pool.retry.grpc_status, given.grpc_status) then
    failure.grpc_status = given.grpc_status
    failure.message = ("gRPC status %d (%s)"):format(given.grpc_status,
      words.grpc[given.grpc_status])
    return failure
  end
  failure.message = ("status %d"):format(given.status)
  return has(pool.retry.status, given.status) and failure or nil
end

-- What the backend answers: from `serve`, its fault, or 200 with an empty body.
local function answer_of(balancer, record, slot, seconds, status)
  local given = { status = status or 200, after = seconds or 0 }
  if balancer.serve and not status then
    local name = balancer.world.board.name(slot)
    local served = balancer.serve(name, exchange.sent(record))
    if type(served) == "string" then served = { body = served } end
    for key, value in pairs(served or {}) do given[key] = value end
  end
  given.grpc_status = given.grpc_status and grpc.status(given.grpc_status)
  return given
end

-- The request as the backend gets it.
function exchange.sent(record)
  local path = record.new_path or record.path .. (record.query and "?" .. record.query or "")
  local fields = body.fields(message.fields_out(record), record)
  return { method = record.method, path = path, headers = lower_map(fields), fields = fields,
    body = record.own_body or record.body, client_ip = record.client_ip }
end

-- The hook may read it only while it runs.
local function run_response(balancer, record, given, result)
  local response, world = ffi.new "neap_response", balancer.world
  local has_body = body.has_one(record.method, given.status)
  local own = { fields = message.fields(given.headers), body = has_body and given.body or "",
    tells_length = has_body }
  response.status, response.latency_us = given.status, given.after * 1e6
  if balancer.entries.have.response then
    world.response_record, world.current.response = own, response
    local verdict = balancer:enter(record, "response", 0)
    world.current.response = nil
    if verdict == REFUSE then return false end
    if verdict == FAIL then own.edits, own.own_body = nil, nil end
  end
  result.fields = body.fields(message.fields_out(own), own)
  result.body = has_body and own.own_body or own.body
  return true
end

local function deliver(balancer, record, given, result)
  if not run_response(balancer, record, given, result) then
    refuse(balancer, record, result, 503, "the policy failed")
    return
  end
  result.status = given.status
  result.grpc_status = given.grpc_status
  result.backend = balancer.world.board.name(record.struct.slot)
end

-- One attempt; returns a failure, or the answer.
local function attempt(balancer, record, result)
  local r, world, pool = record.struct, balancer.world, pool_of(balancer, record)
  local slot = r.slot
  table.insert(result.tried, world.board.name(slot))
  result.pool = pool.name
  world.board.add_inflight(slot, 1)
  local failure, seconds, status = faults.ask(balancer, pool, slot)
  local given = not failure and answer_of(balancer, record, slot, seconds, status)
  world.wait(failure and failure.after or given and given.after or 0)
  world.board.add_inflight(slot, -1)
  if given then
    result.sent = exchange.sent(record)
    world.board.add_latency(slot, given.after)
    failure = failure_of(pool, given)
    if not failure then
      world.board.trust(slot)
      return nil, given
    end
  end
  return failure, given
end

-- The policy and the rules of safety decide whether another one is tried; true: it is; nil:
-- refused.
local function try_again(balancer, record, failure, given, result)
  local r, pool, world = record.struct, pool_of(balancer, record), balancer.world
  local may = is_safe(record, pool, failure) and attempt_is_left(record, pool)
  failure.safe = may and true or false
  world.board.errors[r.slot] = world.board.errors[r.slot] + 1
  table.insert(result.failures, failure)
  world.current.failure = balancer.failure_struct(balancer, failure)
  local verdict = balancer:enter(record, "failed", 0)
  world.current.failure = nil
  health.settle(balancer)
  if verdict == REFUSE then
    refuse(balancer, record, result, 503, "the policy failed")
    return nil
  end
  if verdict ~= RETRY or not may then return false end
  if given and not candidate_is_left(balancer, record, pool) then return false end
  requests.tried(record, r.slot)
  return true
end

local function give_up(balancer, record, failure, given, result)
  if given then
    deliver(balancer, record, given, result)
  else
    refuse(balancer, record, result, failure.kind == "timeout" and 504 or 502, words_of(failure))
  end
end

local function unavailable(balancer, record, last, result, otherwise, is_full)
  if last then
    give_up(balancer, record, last.failure, last.given, result)
    return
  end
  local reason = ffi.string(record.struct.reason)
  refuse(balancer, record, result, 503, reason ~= "" and reason or otherwise, is_full)
end

local function without_backend(balancer, record, verdict, last, result)
  if verdict == REPLY then
    local reply = record.reply
    if result.is_call then
      call.reply(result, reply)
    else
      result.status, result.fields, result.body = reply.status, reply.headers, reply.body
    end
  elseif verdict == REFUSE then
    refuse(balancer, record, result, 503, "the policy failed")
  elseif verdict == NONE then
    unavailable(balancer, record, last, result, "no backend is available")
  elseif verdict == QUEUE then
    unavailable(balancer, record, last, result, result.queued and "queue timed out"
      or "every backend is busy", true)
  end
end

-- While it waits, time passes: slots become free, checks run. `pick` is called again every tenth of
-- a second, as in neap; no other request is in the queue.
---@return integer verdict  QUEUE: it has waited too long, or may not wait
local function wait_in_queue(balancer, record, result)
  local queue, world = pool_of(balancer, record).queue, balancer.world
  if not queue or queue.length == 0 then return QUEUE end
  local began, waited_before, verdict = world.now(), result.queued or 0, QUEUE
  local ends = began + queue.timeout
  while verdict == QUEUE and world.now() < ends do
    health.advance(balancer, math.min(ASK_AGAIN, ends - world.now()))
    result.queued = waited_before + world.now() - began
    verdict = balancer:enter(record, "decide", BEFORE_PICK)
  end
  return verdict
end

local function drive(balancer, record, result)
  local last
  while true do
    local verdict = balancer:enter(record, "decide", last and BEFORE_PICK or 0)
    if verdict == QUEUE then verdict = wait_in_queue(balancer, record, result) end
    if verdict ~= BACKEND then
      without_backend(balancer, record, verdict, last, result)
      return
    end
    if route.is_too_large(balancer.service.limits, record) then
      refuse(balancer, record, result, 413, "request body too large")
      return
    end
    local failure, given = attempt(balancer, record, result)
    if not failure then
      deliver(balancer, record, given, result)
      return
    end
    local is_tried_again = try_again(balancer, record, failure, given, result)
    if is_tried_again == false then give_up(balancer, record, failure, given, result) end
    if not is_tried_again then return end
    last = { failure = failure, given = given }
  end
end

local function run_log(balancer, record, result)
  if not balancer.entries.log then return end
  local o, world, r = ffi.new "neap_outcome", balancer.world, record.struct
  local reason = result.reason or ""
  o.status, o.attempts = result.status, #result.tried
  o.slot, o.epoch = r.slot, r.epoch
  o.bytes, o.reason = #result.body, reason
  o.grpc_status = result.grpc_status or -1
  o.queued = result.queued or 0
  o.connect = #result.tried > 0 and 0 or -1
  o.first_byte = result.backend and result.total or -1
  o.total = result.total
  world.current.outcome = o
  world.access_line = nil
  balancer:enter(record, "log", 0)
  world.current.outcome, result.line = nil, world.access_line
end

---@param fields table?  of the request
---@return table result  status, grpc_status (of a gRPC call), backend (name), attempts, tried,
---  failures, reason, headers, body, sent (the request as the backend got it), total (virtual
---  seconds), queued (those of them that it waited for a slot; nil: it did not), errors; line: what
---  the config's function for the access log made of it
function exchange.run(balancer, fields)
  routines.ensure(balancer)
  local record, first_error = balancer:request(fields), #balancer.errors + 1
  local result = { tried = {}, failures = {}, errors = {}, fields = {} }
  local began = balancer.world.now()
  result.is_call = call.is(record.fields) or nil
  drive(balancer, record, result)
  result.attempts, result.total = #result.tried, balancer.world.now() - began
  run_log(balancer, record, result)
  health.settle(balancer)
  result.headers = lower_map(result.fields)
  balancer:finish(record)
  for i = first_error, #balancer.errors do table.insert(result.errors, balancer.errors[i]) end
  if #result.errors > 0 and not balancer.contain then
    local e = result.errors[1]
    error(("hook %s: %s"):format(e.hook, e.text), 3)
  end
  return result
end

return exchange
