-- A virtual balancer that is put into the state before a recorded decision, and asked again.
--
--   stage.new{ recording =, service = name, policy =, read =, title = } → s; nil, why
--   s:ask(request) → answers    one for each step of the request
--       "b1", "none (why)", "reply 302", "queue", "retry", "fail", "error"
--   s.errors                    { count =, hook =, text = }: of hooks; the first of them

local ffi = require "neap.ffi"
local needs = require "neap.testing.needs"
local requests = require "neap.testing.requests"
local tags = require "neap.tags"
local routines = require "neap.testing.routines"
local virtual = require "neap.testing.balancer"
local words = require "neap.words"

local stage = {}

local Stage = {}
Stage.__index = Stage

local N = ffi.numbers
local BACKEND, REPLY, NONE, QUEUE = N.NEAP_BACKEND, N.NEAP_REPLY, N.NEAP_NONE, N.NEAP_QUEUE
local RETRY, REFUSE = N.NEAP_RETRY, N.NEAP_REFUSE
local BEFORE_PICK = require("neap.hooks").before_pick
local STATES = words.numbers(words.states)

local function member_of(m)
  return { url = m.url, name = m.name, weight = m.weight, tier = m.tier, zone = m.zone,
    slots = m.slots ~= 0 and m.slots or nil, tags = m.tags and tags.decode(m.tags) or nil }
end

-- A backend that left while it was recorded has no name.
local function members_of(line)
  local list = {}
  for _, m in ipairs(line.members) do
    if m.name and m.url then table.insert(list, member_of(m)) end
  end
  return list
end

local function find(list, name)
  for _, item in ipairs(list or {}) do
    if type(item) == "table" and item.name == name then return item end
  end
  return {}
end

local function given(value) return type(value) ~= "userdata" and value or nil end

-- Stands in for the backends of a pool that never had any.
local NOBODY = { { name = "nobody", url = "http://127.0.0.1:1" } }

-- A cjson null and an absent key are the same.
local function config_of(o)
  local r, pools = o.recording, {}
  local service = find(r.head.services, o.service)
  for _, name in ipairs(r.names) do
    local known, members = find(r.head.pools, name), members_of(r.first[name])
    pools[name] = { backends = #members > 0 and members or NOBODY, health = { type = "none" },
      panic = given(known.panic), slow_start = given(known.slow_start) }
  end
  local own = given(service.pool)
  return { policy = o.policy, pools = pools, pool = own and pools[own] and own or nil,
    mode = given(service.mode), seed = 1, contain = true, light = true, read = o.read,
    title = o.title }
end

---@return table? stage, string? why, boolean? is_recording  it is what was recorded that is wrong
function stage.new(o)
  local ok, inner = needs.balancer(virtual.new, config_of(o))
  if not ok then
    local why = tostring(inner):gsub("testing: ", "")
    return nil, why, not why:find "^policy"
  end
  local self = setmetatable({ inner = inner, world = inner.world, board = inner.world.board,
    recording = o.recording, applied = {}, seen = {}, workers = {}, errors = { count = 0 } }, Stage)
  self.world.say = function() end
  -- The changes of a policy to a backend's state are not part of the next decision's state.
  self.world.on_change = function() self.applied = {} end
  return self
end

-- ---- the state before a decision ----

function Stage:slot(pool, name)
  for _, slot in ipairs(self.inner.slots_of[pool] or {}) do
    if self.board.name(slot) == name then return slot end
  end
end

local function set_row(self, slot, m)
  local row = self.board.rows[slot]
  row.state = STATES[m.state] or 0
  row.back_since_ms = m.back_since or 0
  self.board.since[slot] = (m.since or 0) / 1000
end

function Stage:apply_pool(line)
  local name = line.pool
  if self.applied[name] == line then return end
  local list = members_of(line)
  if #list > 0 then self.inner:republish(name, list) else self.inner:publish(name, {}) end
  local slots = {}
  for i, m in ipairs(line.members) do
    local slot = m.name and self:slot(name, m.name)
    slots[i] = slot or false
    if slot then set_row(self, slot, m) end
  end
  self.slots = self.slots or {}
  self.slots[name], self.applied[name] = slots, line
  self.board.bump(self.world.C.neap_pool_find(name))
end

function Stage:apply_loads(pool)
  for i, slot in ipairs(self.slots[pool.pool]) do
    if slot then
      self.board.set_inflight(slot, pool.inflight[i] or 0)
      self.board.rows[slot].latency_us = pool.latency_us[i] or 0
    end
  end
end

-- Values that the recorded policy moved are set to what they were; those it left alone go on by
-- themselves, for another policy's sake.
local function has_moved(seen, key, value)
  local before = seen[key]
  seen[key] = value
  return before ~= value
end

function Stage:apply_counters(pool)
  local C = self.world.C
  for name, value in pairs(pool.counters or {}) do
    local full = pool.pool .. "\31" .. name
    if has_moved(self.seen, full, value) then
      C.neap_counter_set(C.neap_counter(full, #full), value)
    end
  end
end

local function u64(text)
  local high, low = tonumber(text:sub(1, 8), 16), tonumber(text:sub(9, 16), 16)
  return ffi.new("uint64_t", high) * 4294967296ULL + ffi.new("uint64_t", low)
end

function Stage:apply_chance(worker, step)
  local seen = self.workers[worker] or {}
  self.workers[worker] = seen
  if has_moved(seen, "dice", step.dice) then self.world.dice[0] = u64(step.dice) end
end

function Stage:apply(request, step)
  self.inner:set_time(step.at)
  for _, pool in ipairs(step.pools) do
    self:apply_pool(self.recording:pool(request, pool.pool, pool.version))
    self:apply_loads(pool)
    self:apply_counters(pool)
  end
  self:apply_chance(request.worker, step)
end

-- ---- asking ----

local function fields_of(request, is_tcp)
  local q = request.request
  local fields = { client_ip = q.client_ip, client_port = q.client_port, time = q.time,
    sni = q.sni, alpn = q.alpn, ja4 = q.ja4, tls = q.tls }
  if is_tcp then return fields end
  for _, name in ipairs { "method", "path", "query", "host", "version", "headers" } do
    fields[name] = q[name]
  end
  return fields
end

function Stage:name_of(r)
  local name = self.board.name(r.slot)
  if #self.recording.names == 1 then return name end
  return self.inner.config.pools[r.pool + 1].name .. "/" .. name
end

function Stage:decided(record, verdict)
  local r = record.struct
  if verdict == BACKEND then return self:name_of(r) end
  if verdict == REPLY then return ("reply %d"):format(record.reply.status) end
  if verdict == QUEUE then return "queue" end
  if verdict == REFUSE then return "refuse" end
  return verdict == NONE and ("none (%s)"):format(ffi.string(r.reason)) or "?"
end

local function note_tried(self, record, step)
  for i = record.struct.tried_n + 1, #(step.tried or {}) do
    requests.tried(record, self:find_slot(step.tried[i]) or -1)
  end
  record.struct.attempt = #(step.tried or {}) + 1
end

function Stage:find_slot(name)
  for _, pool in ipairs(self.recording.names) do
    local slot = self:slot(pool, name)
    if slot then return slot end
  end
end

-- The recorded failure of the recorded backend.
local function ask_failed(self, record, step)
  local r, slot = record.struct, self:find_slot(step.backend)
  if not slot then return "retry" end -- gone, as in neap
  r.slot, r.epoch = slot, self.board.rows[slot].epoch
  if r.pool < 0 then r.pool = self.board.rows[slot].pool end
  self.world.current.failure = self.inner:failure_struct { stage = step.stage, kind = step.kind,
    status = step.status, grpc_status = step.grpc_status, safe = step.safe == 1,
    ours = step.ours == 1, kept = step.kept == 1, message = step.message }
  local verdict = self.inner:enter(record, "failed", 0)
  self.world.current.failure = nil
  return verdict == RETRY and "retry" or "fail"
end

local function ask_step(self, record, request, step)
  if step.ask == "failed" then return ask_failed(self, record, step) end
  self:apply(request, step)
  note_tried(self, record, step)
  local verdict = self.inner:enter(record, "decide", step.ask == "pick" and BEFORE_PICK or 0)
  return self:decided(record, verdict)
end

-- The hooks after the decision: policies may learn from them.
local function run_response(self, record, outcome, backend)
  local slot = backend and self:find_slot(backend)
  if not slot or not outcome.first_byte or not self.inner.entries.have.response then return end
  local r, world = record.struct, self.world
  local response = ffi.new "neap_response"
  r.slot, r.epoch = slot, self.board.rows[slot].epoch
  response.status, response.latency_us = outcome.status, outcome.first_byte * 1e6
  world.response_record = { fields = {}, is_recorded = true }
  world.current.response = response
  self.inner:enter(record, "response", 0)
  world.current.response = nil
end

local function run_log(self, record, outcome)
  if not self.inner.entries.log then return end
  local o, world, r = ffi.new "neap_outcome", self.world, record.struct
  local reason = outcome.reason or ""
  o.status, o.attempts, o.bytes, o.reason = outcome.status, outcome.attempts, outcome.bytes, reason
  o.slot, o.epoch = r.slot, r.epoch
  o.grpc_status = outcome.grpc_status or -1
  for _, key in ipairs { "queued", "connect", "first_byte", "total" } do
    o[key] = outcome[key] or -1
  end
  world.current.outcome = o
  self.inner:enter(record, "log", 0)
  world.current.outcome = nil
end

local function note_errors(self)
  local list, sum = self.inner.errors, self.errors
  if #list == 0 then return end
  if sum.count == 0 then sum.hook, sum.text = list[1].hook, list[1].text end
  sum.count = sum.count + #list
  self.inner.errors = {}
end

-- `start` before the first request, `every` as its time comes.
local function run_routines(self, request)
  if not request.steps[1] then return end
  self.inner:set_time(request.steps[1].at)
  local run = self.inner.has_started and routines.catch_up or routines.start
  run(self.inner)
end

---@return string[]
function Stage:ask(request)
  run_routines(self, request)
  local record = self.inner:request(fields_of(request, self.inner.is_tcp))
  record.is_recorded = true
  local answers, last = {}, nil
  for i, step in ipairs(request.steps) do
    answers[i] = ask_step(self, record, request, step)
    if step.ask ~= "failed" then last = step.backend end
  end
  local outcome = request.outcome or {}
  if outcome.status then
    run_response(self, record, outcome, last)
    run_log(self, record, outcome)
  end
  self.inner:finish(record)
  note_errors(self)
  return answers
end

-- The recorded answer, in the same words.
---@return string
function stage.recorded(r, step)
  if step.verdict == "backend" then
    return #r.names == 1 and step.backend or step.pool .. "/" .. step.backend
  end
  if step.verdict == "reply" then return ("reply %d"):format(step.status or 0) end
  if step.verdict == "none" then return ("none (%s)"):format(step.reason or "") end
  return step.verdict or "nothing"
end

return stage
