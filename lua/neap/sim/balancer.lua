-- A simulated balancer: the real runtime and the real policy over a board, a clock and dice of
-- their own. Backends are numbers from 1 on; a record is what the source made for a request, and
-- stays with it from begin to ended.

local ffi = require "neap.ffi"
local needs = require "neap.testing.needs"
local requests = require "neap.testing.requests"
local routines = require "neap.testing.routines"
local virtual = require "neap.testing.balancer"

local START = 1577836800 -- what the policy's clock shows at the beginning: 2020-01-01
local STATES = require("neap.words").states
local N = ffi.numbers
local UP, DRAIN, EJECTED = N.NEAP_STATE_UP, N.NEAP_STATE_DRAIN, N.NEAP_STATE_EJECTED
local JARS_MAX = 200000 -- clients whose cookies are kept

local BACKEND, REPLY, QUEUE = N.NEAP_BACKEND, N.NEAP_REPLY, N.NEAP_QUEUE
local REFUSE, RETRY = N.NEAP_REFUSE, N.NEAP_RETRY
local BEFORE_PICK = require("neap.hooks").before_pick

local balancer = {}

local Balancer = {}
Balancer.__index = Balancer

local function config_of(list)
  local given = {}
  for b, backend in ipairs(list) do
    given[b] = { url = ("http://%s:80"):format(backend.name), name = backend.name,
      weight = backend.weight, tier = backend.tier, slots = backend.slots, zone = backend.zone,
      tags = backend.tags }
  end
  return given
end

-- Balancers that were started at different times are at different places in their turns.
local TURNS = { "turn", "least" } -- of round_robin, of least_loaded (see runtime/part.lua)

local function skip_turns(inner, count)
  local C = inner.world.C
  for _, word in ipairs(TURNS) do
    local name = inner.config.pools[1].name .. "\31" .. word
    C.neap_counter_add(C.neap_counter(name, #name), count)
  end
end

---@param o table  policy (as in a config), title, backends, pool (keys of it), seed, clock,
---  changed(b, state or "suspect", seconds), read, turns (that it has had before), shared (a table
---  for all balancers of a run: their backends are the same)
---@return table? balancer, string? why
function balancer.new(o)
  local shared = o.shared
  shared.jars = shared.jars or { n = 0, cookies = {} } -- a client shows its cookies to all
  if shared.first and not shared.like then shared.like = shared.first:image() end
  local options = {
    policy = o.policy, backends = shared.like and 1 or config_of(o.backends),
    health = { type = "none" }, slow_start = o.pool.slow_start, panic = o.pool.panic,
    seed = o.seed, time = START, contain = true, light = true, read = o.read, title = o.title,
    like = shared.like,
  }
  local ok, inner = needs.balancer(virtual.new, options)
  if not ok then return nil, (tostring(inner):gsub("^testing: policy: ", "")) end
  local self = setmetatable({
    inner = inner, world = inner.world, board = inner.world.board, C = inner.world.C,
    clock = o.clock, on_changed = o.changed, n = #o.backends,
    states = {}, -- that it was told, by number; those that were up from the beginning are not there
    changes = {}, -- numbers whose state a hook has changed since
    has_response = inner.entries.have.response, has_log = inner.entries.log ~= nil,
    shared = shared, jars = shared.jars, is_safe = o.is_safe, errors_n = 0,
  }, Balancer)
  shared.first = shared.first or inner
  self.world.on_change = function(slot) table.insert(self.changes, slot + 1) end
  self.world.on_suspect = function(slot) self.on_changed(slot + 1, "suspect") end
  inner.world.say = function() end -- what it would log
  if o.turns then skip_turns(inner, o.turns) end
  return self
end

-- Counts errors of hooks, and keeps the first.
local function count_errors(self)
  local errors = self.inner.errors
  self.first_error = self.first_error or errors[1]
  self.errors_n = self.errors_n + #errors
  self.inner.errors = {}
end

-- Tells what hooks did to backends.
local function report_changes(self)
  local changes, now = self.changes, self.world.clock[0]
  self.changes = {}
  table.sort(changes)
  for _, b in ipairs(changes) do
    local row = self.board.rows[b - 1]
    if row.state ~= (self.states[b] or UP) then
      self.states[b] = row.state
      local seconds = row.state == EJECTED and tonumber(row.ejected_until_ms) / 1000 - now or nil
      self.on_changed(b, STATES[row.state], seconds)
    end
  end
end

-- `start` and `every`: their errors count as other hooks' errors do.
local function run_routines(self)
  local run = self.inner.has_started and routines.catch_up or routines.start
  run(self.inner)
  if #self.inner.errors > 0 then count_errors(self) end
  if #self.changes > 0 then report_changes(self) end
end

local function set_time(self) self.world.clock[0] = START + self.clock.now end

local function set_text(r, name, text) r[name], r[name .. "_n"] = text, #text end

-- The cookies that hooks have set are sent back by the client that got them.
local function fields_of(self, record)
  local fields = { { "Host", record.host } }
  for name, value in pairs(record.headers) do
    if name ~= "host" then table.insert(fields, { name, value }) end
  end
  local jar = self.jars.cookies[record.client_ip]
  if jar then table.insert(fields, { "Cookie", jar }) end
  return fields
end

-- A request has come.
function Balancer:begin(record)
  local r = record.struct
  if not r then
    r = ffi.new "neap_request"
    record.struct, record.id, record.version, record.body = r, 0, "1.1", ""
    r.minor, r.port = 1, 40000
  end
  set_time(self)
  if self.inner.routine or not self.inner.has_started then run_routines(self) end
  requests.renew(self.world, record)
  r.time = self.world.clock[0]
  set_text(r, "method", record.method)
  set_text(r, "path", record.path)
  set_text(r, "host", record.host)
  r.has_query = record.query and 1 or 0
  if record.query then set_text(r, "query", record.query) end
  record.fields = fields_of(self, record)
end

local function enter(self, record, entry, skip)
  local verdict = self.inner:enter(record, entry, skip)
  if #self.inner.errors > 0 then count_errors(self) end
  if #self.changes > 0 then report_changes(self) end
  return verdict
end

local function protected_pick(self, record)
  local r = record.struct
  local verdict = enter(self, record, "decide", r.attempt > 1 and BEFORE_PICK or 0)
  if verdict == BACKEND then return r.slot + 1 end
  if verdict == REPLY then return nil, "reply" end
  if verdict == QUEUE then return nil, "queue" end
  return nil, verdict == REFUSE and "refused by on_error" or ffi.string(r.reason)
end

-- Which backend takes it; it counts as in flight there.
---@return number? b, string? why  -- "queue", "reply" or the reason of a 503
function Balancer:pick(record)
  set_time(self)
  local b, why
  if self.is_safe then
    b, why = self.inner:pick(record)
  else
    b, why = protected_pick(self, record)
  end
  if b then self.board.add_inflight(b - 1, 1) end
  if #self.changes > 0 then report_changes(self) end
  return b, why
end

-- The status of the policy's own answer.
function Balancer.status(_, record) return record.reply and record.reply.status or 200 end

local SAFE = { GET = true, HEAD = true, OPTIONS = true }

-- Where a second one goes of a request whose backend is slow; that backend stays its own.
---@return number? b
function Balancer:hedge(record)
  if not SAFE[record.method] then return nil end
  local r = record.struct
  local slot, epoch, attempt, tried_n = r.slot, r.epoch, r.attempt, r.tried_n
  requests.tried(record, slot)
  local b = self:pick(record)
  r.slot, r.epoch, r.attempt, r.tried_n = slot, epoch, attempt, tried_n
  return b
end

-- It is b's from now on: its hedge won, or is all that is left.
function Balancer.handed_over(_, record, b)
  local r = record.struct
  r.slot, r.attempt = b - 1, r.attempt + 1
end

function Balancer:release(b) self.board.add_inflight(b - 1, -1) end

-- The attempt on the backend that was picked last has failed.
---@return "retry"|"fail"
function Balancer:failed(record, failure)
  set_time(self)
  local slot, current = record.struct.slot, self.world.current
  self.board.errors[slot] = self.board.errors[slot] + 1
  current.failure = self.inner:failure_struct(failure)
  local verdict = enter(self, record, "failed", 0)
  current.failure = nil
  if verdict ~= RETRY then return "fail" end
  requests.tried(record, slot)
  return "retry"
end

local function keep_cookie(self, record)
  local edits, jars = self.world.response_record.edits, self.jars
  for _, edit in ipairs(edits or {}) do
    local cookie = edit.lower == "set-cookie" and edit.value and edit.value:match "^[^;]+"
    local known = jars.cookies[record.client_ip]
    if cookie and (known or jars.n < JARS_MAX) then
      if not known then jars.n = jars.n + 1 end
      jars.cookies[record.client_ip] = cookie
    end
  end
end

-- The backend that was picked last has answered.
function Balancer:answered(record, seconds, status)
  local r, world = record.struct, self.world
  set_time(self)
  self.board.add_inflight(r.slot, -1)
  self.board.add_latency(r.slot, seconds)
  self.board.trust(r.slot)
  if not self.has_response then return end
  local response = self.response or ffi.new "neap_response"
  self.response = response
  response.status, response.latency_us = status, seconds * 1e6
  world.response_record = { fields = {} }
  world.current.response = response
  enter(self, record, "response", 0)
  world.current.response = nil
  keep_cookie(self, record)
end

-- The request is over: answered by backend b, by the policy (nil), or not at all (a reason).
function Balancer:ended(record, b, seconds, reason)
  if self.has_log then
    set_time(self)
    local outcome = self.outcome or ffi.new "neap_outcome"
    self.outcome, self.reason = outcome, reason or ""
    outcome.status, outcome.attempts = reason and 503 or 200, record.struct.attempt
    outcome.slot, outcome.epoch = b and b - 1 or -1, 1
    outcome.bytes, outcome.queued, outcome.connect = 0, 0, 0
    outcome.first_byte, outcome.total, outcome.reason = seconds, seconds, self.reason
    outcome.grpc_status = -1
    self.world.current.outcome = outcome
    enter(self, record, "log", 0)
    self.world.current.outcome = nil
  end
  self.inner:finish(record)
end

---@return string
function Balancer:state(b) return STATES[self.board.rows[b - 1].state] end

-- A health check has found it alive, or dead.
function Balancer:checked(b, is_alive)
  set_time(self)
  local why = is_alive and "" or "connection refused"
  self.C.neap_board_checked(nil, b - 1, is_alive and 1 or 0, why, #why)
  self.states[b] = self.board.rows[b - 1].state
end

-- An operator sets "drain", "auto" (serve again) or "weight".
function Balancer:order(b, what, value)
  set_time(self)
  if what == "weight" then
    self.board.own(b - 1).weight = value
    self.board.changed(b - 1)
  else
    self.C.neap_board_set_state(nil, b - 1, what == "drain" and DRAIN or UP, "", 0)
  end
  self.states[b] = self.board.rows[b - 1].state
end

-- The pool has these from now on.
---@param list number[]  the same one for all balancers of a run
function Balancer:members(list)
  local shared = self.shared
  if shared.members ~= list then
    local slots = {}
    for i, b in ipairs(list) do slots[i] = b - 1 end
    shared.members, shared.slots = list, slots
  end
  set_time(self)
  self.board.set_members(0, shared.slots)
end

-- The time of its ejection is over.
function Balancer:returned(b)
  set_time(self)
  local row = self.board.rows[b - 1]
  if row.state ~= EJECTED or tonumber(row.ejected_until_ms) / 1000 > self.world.clock[0] + 1e-6 then
    return
  end
  self.C.neap_board_set_state(nil, b - 1, UP, "", 0)
  self.states[b] = UP
end

-- Errors of hooks, after which the default policy decided: how many, and the first, { hook =, text
-- = }.
---@return number, table?
function Balancer:errors() return self.errors_n, self.first_error end

-- The shipped policy of that name, or what is wrong with the name.
---@return table? policy, string? why
function balancer.shipped(name)
  local inner = virtual.new { backends = 1, seed = 1, time = START, light = true }
  return inner.require("neap.policy").shipped(name)
end

return balancer
