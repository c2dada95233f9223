-- What people change by the admin side of one balancer, on all that share it by etcd
-- (`admin.share`): a backend's state and weight. Each change is a key; whoever has the prefix reads
-- all of them at its start, and then watches (link.lua). A change holds here at once; while etcd is
-- away it waits to be written. Of two at the same time the one that etcd has later holds.

local cjson = require "cjson.safe"
local listed = require "neap.agent.listed"
local link = require "neap.agent.link"
local members = require "neap.agent.members"
local neap = require "neap"
local overlay = require "neap.agent.overlay"
local peers = require "neap.agent.peers"
local show = require "neap.config.show"

local sharing = {}
local Sharing = {}
Sharing.__index = Sharing

local WEIGHT_MAX, NAME_MAX = 1000, 255
local OTHER = "another balancer" -- etcd does not say who took a key away
local WORDS = { up = "kept up", down = "taken down", drain = "drained" }

local function key_of(pool, backend)
  return ("backends/%s/%s"):format(neap.url.encode(pool), neap.url.encode(backend))
end

local function find_pool(agent, name)
  for _, pool in ipairs(agent.pools) do
    if pool.name == name then return pool end
  end
end

-- ---- what etcd says ----

local function is_text(value) return type(value) == "string" and #value <= NAME_MAX end

local function is_weight(value)
  return type(value) == "number" and value % 1 == 0 and value >= 0 and value <= WEIGHT_MAX
end

-- It is shown as JSON, which has no other numbers.
local function time_of(at)
  return type(at) == "number" and at >= 0 and at < 2 ^ 53 and at or 0
end

-- nil: it is no change that we know.
local function read_record(text)
  local value = cjson.decode(text)
  if type(value) ~= "table" or not is_text(value.pool) or not is_text(value.backend) then
    return nil
  end
  local state = WORDS[value.state] and value.state or nil
  local weight = is_weight(value.weight) and value.weight or nil
  if not state and not weight then return nil end
  return {
    pool = value.pool, backend = value.backend, state = state, weight = weight,
    by = is_text(value.by) and show.text(value.by) or "?", text = text,
    cluster = value.cluster ~= cjson.null and value.cluster or nil, at = time_of(value.at),
  }
end

local function set_weight(agent, pool, member, weight)
  if weight == member.def.weight and not member.file_weight then return end
  overlay.set_weight(pool, member.name, weight)
  members.apply(agent, pool)
  agent:keep()
end

local function tell(agent, record, what)
  local text = ("backend %s of pool %s: %s (by %s)"):format(record.backend, record.pool, what,
    record.by)
  agent.host.log.info("shared: %s", text)
  agent.events:add("change", "info", text,
    { pool = record.pool, backend = record.backend })
end

local function apply_state(agent, record, member)
  if record.state then
    local reason = ("%s by the API of %s"):format(WORDS[record.state], record.by)
    return agent.board.pin(member.slot, record.state, reason)
  end
  return record.had_state and agent.board.pin(member.slot, nil, "left to its checks by the API of "
    .. record.by)
end

local function in_words(record)
  local state = record.state and WORDS[record.state]
  if not record.weight then return state or "left to its checks" end
  return ("%sweight %d"):format(state and state .. ", " or "", record.weight)
end

-- Puts it into force, once for each member of that name that comes.
local function apply(agent, record)
  local pool = find_pool(agent, record.pool)
  local member = pool and pool.by_name[record.backend]
  if member == record.member then return end
  record.member = member
  if not member then return end
  if record.weight or record.had_weight then
    set_weight(agent, pool, member, record.weight)
  end
  if apply_state(agent, record, member) and not record.state then
    agent.health:check_soon(member)
  end
  tell(agent, record, in_words(record))
end

-- Why it is none that holds here.
local function flaw_of(self, record)
  if not record then return "is no change of a backend" end
  if record.cluster ~= self.peers.cluster then
    return ("is by %s, for the cluster %s (expected %s)"):format(record.by,
      show.value(record.cluster), show.value(self.peers.cluster))
  end
  local why = self.peers:strangeness(record.by)
  return why and ("is by %s, which is none of this group: %s"):format(record.by, why)
end

local function leave_out(self, key, text, why)
  if self.left_out[key] == text then return end
  self.left_out[key] = text
  self.agent.host.log.warn("shared: %s %s: it is left out",
    show.text(self.link.prefix .. key), why)
end

function Sharing:take(key, text)
  if not text then self.left_out[key] = nil end
  local before = self.records[key]
  if self.link.queue[key] or (before and before.text == text) then return end
  local record = text and read_record(text)
  local flaw = text and flaw_of(self, record)
  if flaw then return leave_out(self, key, text, flaw) end
  if not record and not before then return end
  record = record or { pool = before.pool, backend = before.backend, by = OTHER, at = 0,
    is_over = true }
  record.had_state = before and before.state ~= nil
  record.had_weight = before and before.weight ~= nil
  self.records[key] = record
end

function Sharing:took_all(all)
  for key, record in pairs(self.records) do
    if not all[key] and not record.is_over then self:take(key, nil) end
  end
end

-- Changes outlive this balancer.
function Sharing.joined() end

function Sharing:look()
  for key, record in pairs(self.records) do
    apply(self.agent, record)
    if record.is_over then self.records[key] = nil end
  end
end

-- A person changed this here, and it is in force.
---@param pool table
---@param member table
---@param value table  state ("auto": none), weight
function Sharing:changed(pool, member, value)
  local key = key_of(pool.name, member.name)
  local before = self.records[key] or {}
  local record = {
    pool = pool.name, backend = member.name, by = self.name, member = member,
    at = listed.now(self.agent), state = value.state or before.state,
    weight = value.weight or before.weight,
  }
  if record.state == "auto" then record.state = nil end
  if record.weight == (member.file_weight or member.def.weight) then record.weight = nil end
  if record.state or record.weight then
    record.text = cjson.encode { pool = record.pool, backend = record.backend, by = record.by,
      at = record.at, state = record.state, weight = record.weight, cluster = self.peers.cluster }
    self.records[key] = record
  else
    self.records[key] = nil
  end
  self.link:write(key, record.text)
end

-- Who changed it, and when; nil: nobody did.
---@return table? record  by, at
function Sharing:of(pool, member)
  return self.records[key_of(pool.name, member.name)]
end

---@param agent table
---@param share table  admin.share: name, cluster; etcd: endpoints, prefix, …
---@return table
function sharing.begin(agent, share)
  local one = link.of(agent, share.etcd)
  local who = peers.of(agent, one, share)
  local self = setmetatable({
    agent = agent, link = one, peers = who, name = who.name, records = {}, left_out = {},
    meanwhile = "changes hold here, and are shared when it is back",
  }, Sharing)
  one:add("backends", self)
  return self
end

return sharing
