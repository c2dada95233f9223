-- What people change by the admin side of one balancer, on all that share it by etcd
-- (`admin.share`): a backend's state and weight. Each change is a key; whoever has the prefix reads
-- all of them at its start, and then watches. A change holds here at once; while etcd is away it
-- waits to be written. Of two at the same time the one that etcd has later holds.

local cjson = require "cjson.safe"
local listed = require "neap.agent.listed"
local members = require "neap.agent.members"
local neap = require "neap"
local overlay = require "neap.agent.overlay"
local show = require "neap.config.show"
local sorted = require "neap.sorted"

local sharing = {}
local Sharing = {}
Sharing.__index = Sharing

local WATCH_SECONDS = 30 -- then all is read again
local PAUSE_LEAST, PAUSE_MOST = 0.1, 15
local RETRY = 1 -- seconds until what could not be written is tried again
local WEIGHT_MAX, NAME_MAX = 1000, 255
local HOSTNAME = "/proc/sys/kernel/hostname"
local OTHER = "another balancer" -- etcd does not say who took a key away
local WORDS = { up = "kept up", down = "taken down", drain = "drained" }

local function key_of(self, pool, backend)
  return ("%sbackends/%s/%s"):format(self.settings.prefix, neap.url.encode(pool),
    neap.url.encode(backend))
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
    by = is_text(value.by) and show.text(value.by) or "?",
    at = type(value.at) == "number" and value.at or 0, text = text,
  }
end

local function set_weight(agent, pool, member, weight)
  if weight == member.def.weight and not member.file_weight then return end
  overlay.set_weight(pool, member.name, weight)
  members.apply(agent, pool)
  agent:keep()
end

local function tell(agent, record, what)
  agent.host.log.info("shared: %s %s backend %s of pool %s", record.by, what, record.backend,
    record.pool)
  agent.events:add("change", "info", ("%s %s"):format(record.by, what),
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
  local words = record.state and WORDS[record.state] or "leaves to its checks"
  tell(agent, record, (record.weight and ("weight %d, "):format(record.weight) or "") .. words)
end

local function take(self, key, text)
  if not text then self.left_out[key] = nil end
  local before = self.records[key]
  if self.queue[key] or (before and before.text == text) then return end
  local record = text and read_record(text)
  if text and not record then
    if self.left_out[key] == text then return end
    self.left_out[key] = text
    self.agent.host.log.warn("shared: %s is no change of a backend: it is left out",
      show.text(key))
    return
  end
  if not record and not before then return end
  record = record or { pool = before.pool, backend = before.backend, by = OTHER, at = 0,
    is_over = true }
  record.had_state = before and before.state ~= nil
  record.had_weight = before and before.weight ~= nil
  self.records[key] = record
end

local function take_all(self, all)
  for key, text in pairs(all) do take(self, key, text) end
  for key, record in pairs(self.records) do
    if not all[key] and not record.is_over then take(self, key, nil) end
  end
end

-- ---- coroutines: following, and writing ----

local function read_all(self, client)
  local found, why = client:range(self.settings.prefix)
  if not found then return nil, why end
  local all = {}
  for _, pair in ipairs(found.pairs) do all[pair.key] = pair.value end
  table.insert(self.news, { all = all })
  return found.revision
end

local function follow(self)
  local client = self.reader
  while true do
    local revision, why = read_all(self, client)
    if not revision then return nil, why end
    local is_over, reason, is_compacted = client:watch(self.settings.prefix, revision + 1,
      WATCH_SECONDS, function(events)
        for _, event in ipairs(events) do
          table.insert(self.news, { key = event.key, text = not event.is_deleted and event.value
            or nil })
        end
      end)
    if not is_over and not is_compacted then return nil, reason end
    neap.sleep(PAUSE_LEAST) -- an etcd may forget all the time
  end
end

local function write_one(self, key)
  local record = self.records[key]
  local text = record and record.text
  local ok, why
  if text then ok, why = self.writer:put(key, text) else ok, why = self.writer:delete(key) end
  if not ok then return nil, why end
  local now = self.records[key]
  if (now and now.text) == text then self.queue[key] = nil end
  return true
end

local function write_all(self)
  for _, key in ipairs(sorted.keys(self.queue)) do
    local ok, why = write_one(self, key)
    if not ok then return nil, why end
  end
end

-- Runs fn(self) in a coroutine; its end is noted in self[place].
local function spawn(self, place, fn)
  local task, why = {}, nil
  local function ended(ok, reason)
    task.ended, task.why = true, why or not ok and tostring(reason) or nil
  end
  self[place] = task
  local number = self.agent.host.spawn(function()
    local _, reason = fn(self)
    why = reason
  end, ended, true)
  if not number then ended(false, "out of memory") end
end

local function complain(self, why)
  if self.failure ~= why then
    self.agent.host.log.error("shared: %s; changes hold here, and are shared when it is back", why)
  end
  self.failure = why
end

local function look_at_reader(self, now)
  local reader = self.reading
  if reader and not reader.ended then return end
  if reader and reader.ended and not reader.seen then
    reader.seen = true
    self.failures = self.failures + 1
    if self.failures > 1 then complain(self, reader.why or "it ended") end
    self.due = now + self.pause
    self.pause = math.min(self.pause * 2, PAUSE_MOST)
    self:end_wait()
  end
  if now >= self.due then spawn(self, "reading", follow) end
end

local function look_at_writer(self, now)
  local writer = self.writing
  if writer and writer.ended then
    if writer.why then
      complain(self, writer.why)
      self.write_due = now + RETRY
    end
    self.writing = nil
  end
  if not self.writing and next(self.queue) and now >= (self.write_due or 0) then
    spawn(self, "writing", write_all)
  end
end

local function take_news(self)
  if #self.news == 0 then return end
  local news = self.news
  self.news, self.failures, self.pause = {}, 0, PAUSE_LEAST
  if self.failure then self.agent.host.log.info "shared: etcd answers again" end
  self.failure, self.answered = nil, listed.now(self.agent)
  for _, one in ipairs(news) do
    if one.all then take_all(self, one.all) else take(self, one.key, one.text) end
  end
end

function Sharing:end_wait()
  if self.has_waited then return end
  self.has_waited = true
  self.agent.waiting = self.agent.waiting - 1
end

-- With each tick.
function Sharing:look(now)
  local had_news = #self.news > 0
  take_news(self)
  for key, record in pairs(self.records) do
    apply(self.agent, record)
    if record.is_over then self.records[key] = nil end
  end
  if had_news then self:end_wait() end
  look_at_reader(self, now)
  look_at_writer(self, now)
end

-- A person changed this here, and it is in force.
---@param pool table
---@param member table
---@param value table  state ("auto": none), weight
function Sharing:changed(pool, member, value)
  local key = key_of(self, pool.name, member.name)
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
      at = record.at, state = record.state, weight = record.weight }
    self.records[key] = record
  else
    self.records[key] = nil
  end
  self.queue[key] = true
end

-- Who changed it, and when; nil: nobody did.
---@return table? record  by, at
function Sharing:of(pool, member)
  return self.records[key_of(self, pool.name, member.name)]
end

---@param agent table
---@param settings table  admin.share: name; etcd: endpoints, prefix, …
---@return table
function sharing.begin(agent, settings)
  local etcd, files = require "neap.io.etcd", require "neap.discover.files"
  agent.waiting = agent.waiting + 1
  return setmetatable({
    agent = agent, settings = settings.etcd,
    name = settings.name or files.first_line(HOSTNAME) or "neap",
    reader = etcd.new(settings.etcd), writer = etcd.new(settings.etcd),
    records = {}, left_out = {}, queue = {}, news = {}, failures = 0, pause = PAUSE_LEAST, due = 0,
  }, Sharing)
end

return sharing
