-- The link of this balancer with others by a prefix in etcd: what is under it is read once and then
-- watched; what is written waits while etcd is away; a lease says that this balancer lives. Those
-- who share something (sharing.lua, duty.lua, peers.lua) each have a part: the keys that begin with
-- its word and a slash.
--
-- A part is a table with
--   take(self, key, text)     a key (without the prefix) has that value now; nil: it is gone
--   took_all(self, all)       all of its keys were read: key → text (take was called for each)
--   joined(self)              this balancer has a new lease: what is to go with it is written anew
--   look(self, now)           with each tick
--   meanwhile                 what holds while etcd is away, for the log

local etcd = require "neap.io.etcd"
local listed = require "neap.agent.listed"
local neap = require "neap"
local sorted = require "neap.sorted"

local link = {}
local Link = {}
Link.__index = Link

local WATCH_SECONDS = 30 -- then all is read again
local PAUSE_LEAST, PAUSE_MOST = 0.1, 15
local STABLE = 5 -- seconds that something ran: whatever ended it then, the next try is soon
local RETRY = 1 -- seconds until what could not be written is tried again
local KEEPS = 3 -- questions for each lease

-- ---- coroutines: following, staying, writing ----

local function read_all(self)
  local found, why = self.reader:range(self.prefix)
  if not found then return nil, why end
  local all = {}
  for _, pair in ipairs(found.pairs) do all[pair.key:sub(#self.prefix + 1)] = pair.value end
  table.insert(self.news, { all = all })
  return found.revision
end

local function follow(self)
  while true do
    local revision, why = read_all(self)
    if not revision then return nil, why end
    local is_over, reason, is_compacted = self.reader:watch(self.prefix, revision + 1,
      WATCH_SECONDS, function(events)
        for _, event in ipairs(events) do
          table.insert(self.news, { key = event.key:sub(#self.prefix + 1),
            text = not event.is_deleted and event.value or nil })
        end
      end)
    if not is_over and not is_compacted then return nil, reason end
    neap.sleep(PAUSE_LEAST) -- an etcd may forget all the time
  end
end

local function grant(self)
  local asked = self.agent.host.now()
  local lease, why = self.keeper:grant(self.lease_seconds)
  if not lease then return nil, why or "etcd gives no lease" end
  self.lease, self.held_until, self.is_new = lease, asked + self.lease_seconds, true
  return true
end

-- false: etcd has ended it.
local function renew(self)
  local asked = self.agent.host.now()
  local left, why = self.keeper:keep_alive(self.lease)
  if not left then return nil, why end
  if left <= 0 then return false end
  self.held_until = asked + left
  return true
end

local function stay(self)
  while true do
    local ok, why
    if self.lease then ok, why = renew(self) else ok, why = grant(self) end
    if ok == nil then return nil, why end
    if ok then neap.sleep(self.lease_seconds / KEEPS) else self.lease = nil end
  end
end

local function write_one(self, key)
  local item = self.queue[key]
  local lease = item.is_leased and self.lease or nil
  if item.is_leased and not lease then return true end -- once there is one, it is written anew
  local ok, why
  if item.text then
    ok, why = self.writer:put(self.prefix .. key, item.text, lease)
  else
    ok, why = self.writer:delete(self.prefix .. key)
  end
  if not ok then return nil, why end
  if self.queue[key] == item then self.queue[key] = nil end
  return true
end

local function write_all(self)
  for _, key in ipairs(sorted.keys(self.queue)) do
    local ok, why = write_one(self, key)
    if not ok then return nil, why end
  end
end

-- Runs fn(self) in a coroutine; its end is noted in what it returns.
local function spawn(self, fn)
  local task, why = {}, nil
  local function ended(ok, reason)
    task.ended, task.why = true, why or not ok and tostring(reason) or nil
  end
  local number = self.agent.host.spawn(function()
    local _, reason = fn(self)
    why = reason
  end, ended, true)
  if not number then ended(false, "out of memory") end
  return task
end

-- ---- the agent's turns ----

local function meanwhile(self)
  local words = {}
  for _, part in ipairs(self.parts) do table.insert(words, part.meanwhile) end
  return table.concat(words, "; ")
end

-- Once, whatever further reasons follow.
local function complain(self, why)
  local log = self.agent.host.log
  local say = self.failure and log.debug or log.error
  if self.failure ~= why then say("shared: %s; %s", why, meanwhile(self)) end
  self.failure = why
end

-- One failure may be a member of etcd that goes: it is told if the next try fails, too.
local function look_at(self, task, now)
  local run = task.run
  if run and not run.ended then return end
  if run and not run.seen then
    run.seen = true
    task.failures = now - task.began > STABLE and 1 or task.failures + 1
    if task.failures > 1 then complain(self, run.why or "it ended") end
    if task.failures == 1 then task.pause = PAUSE_LEAST end
    task.due = now + task.pause
    task.pause = math.min(task.pause * 2, PAUSE_MOST)
    self:end_wait()
  end
  if now >= task.due then
    task.began = now
    task.run = spawn(self, task.fn)
  end
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
    self.writing = spawn(self, write_all)
  end
end

local function part_of(self, key) return self.by_word[key:match "^([^/]*)/"] end

local function take(self, key, text)
  local part = part_of(self, key)
  if part then part:take(key, text) end
end

local function take_all(self, all)
  local by_part = {}
  for _, part in ipairs(self.parts) do by_part[part] = {} end
  for key, text in pairs(all) do
    local part = part_of(self, key)
    if part then by_part[part][key] = text end
  end
  for _, part in ipairs(self.parts) do
    for key, text in pairs(by_part[part]) do part:take(key, text) end
    part:took_all(by_part[part])
  end
end

local function take_news(self)
  if #self.news == 0 then return end
  local news = self.news
  self.news = {}
  if self.failure then self.agent.host.log.info "shared: etcd answers again" end
  self.failure, self.answered, self.has_read = nil, listed.now(self.agent), true
  for _, one in ipairs(news) do
    if one.all then take_all(self, one.all) else take(self, one.key, one.text) end
  end
end

local function tell_joined(self)
  if not self.is_new then return end
  self.is_new = false
  for _, part in ipairs(self.parts) do part:joined() end
end

-- The agent begins without what etcd would say.
function Link:end_wait()
  if self.has_waited then return end
  self.has_waited = true
  self.agent.waiting = self.agent.waiting - 1
end

-- With each tick.
function Link:look(now)
  local had_news = #self.news > 0
  take_news(self)
  tell_joined(self)
  for _, part in ipairs(self.parts) do part:look(now) end
  if had_news then self:end_wait() end
  for _, task in ipairs(self.tasks) do look_at(self, task, now) end
  look_at_writer(self, now)
end

-- Does etcd know that this balancer lives, and does it tell of the others?
---@return boolean
function Link:holds(now)
  return self.failure == nil and self.has_read == true and now < (self.held_until or 0)
end

-- Puts that text there as soon as etcd takes it; nil takes the key away.
---@param key string  without the prefix
---@param text string?
---@param is_leased boolean?  it goes when this balancer is gone
function Link:write(key, text, is_leased)
  self.queue[key] = { text = text, is_leased = is_leased }
end

---@param word string  what its keys begin with
---@param part table
function Link:add(word, part)
  self.by_word[word] = part
  table.insert(self.parts, part)
end

local function new_task(fn)
  return { fn = fn, failures = 0, pause = PAUSE_LEAST, due = 0, began = 0 }
end

local function new(agent, settings)
  agent.waiting = agent.waiting + 1
  return setmetatable({
    agent = agent, prefix = settings.prefix, lease_seconds = 10,
    reader = etcd.new(settings), writer = etcd.new(settings), keeper = etcd.new(settings),
    parts = {}, by_word = {}, queue = {}, news = {},
    tasks = { new_task(follow), new_task(stay) },
  }, Link)
end

-- The link by that prefix: one for all who name the same.
---@param agent table
---@param settings table  endpoints, prefix, … of etcd
---@return table
function link.of(agent, settings)
  local key = table.concat(settings.endpoints or {}, " ") .. " " .. settings.prefix
  agent.links = agent.links or {}
  for _, one in ipairs(agent.links) do
    if one.key == key then return one end
  end
  local one = new(agent, settings)
  one.key = key
  table.insert(agent.links, one)
  return one
end

-- With each tick.
---@param agent table
---@param now number
function link.look(agent, now)
  for _, one in ipairs(agent.links or {}) do one:look(now) end
end

return link
