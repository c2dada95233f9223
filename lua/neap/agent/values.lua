-- The values of a store that several balancers have in common. What is set or deleted here is
-- added to a stream in Redis; each balancer follows the stream, and does what it says in its order:
-- so all end with the same. Whoever starts reads it from its beginning.

local ffi = require "neap.ffi"
local outbox = require "neap.runtime.outbox"
local show = require "neap.config.show"

local C, N = ffi.C, ffi.numbers

local values = {}

local AT_ONCE = 256         -- changes that are written, or read, in one exchange
local KEPT = 65536          -- changes that the stream has, about
local KEPT_SECONDS = 604800 -- the stream goes when nothing was set for so long
local NONSENSE = "its stream of values makes no sense"

local function set(self, kind, key, value, ttl)
  if kind == "s" then
    C.neap_store_set_text(self.number, key, #key, value, #value, ttl, N.NEAP_STORE_ALWAYS)
  elseif kind == "n" then
    local n = tonumber(value)
    if not n then return end
    C.neap_store_set_number(self.number, key, #key, n, ttl, N.NEAP_STORE_ALWAYS)
  else
    local flag = kind == "t" and N.NEAP_STORE_TRUE or N.NEAP_STORE_FALSE
    C.neap_store_set_flag(self.number, key, #key, flag, ttl, N.NEAP_STORE_ALWAYS)
  end
end

-- age_ms: by the clock of Redis. nil: the text is no change.
local function apply(self, text, age_ms)
  local kind, key, value, ttl = outbox.read(text)
  if not kind or outbox.has(key) then return nil end
  local left = ttl - math.max(0, age_ms)
  if kind == "d" or (ttl > 0 and left <= 0) then
    C.neap_store_delete(self.number, key, #key)
  else
    set(self, kind, key, value, ttl > 0 and left / 1000 or 0)
  end
  return true
end

-- The time in an id and its number within it; nil: it is none.
local function read_id(id)
  local ms, sequence = id:match "^(%d+)%-(%d+)$"
  if not ms or #ms > 15 or #sequence > 15 then return nil end
  return tonumber(ms), tonumber(sequence)
end

-- Ids rise: a Redis that says the same again and again would be asked without a pause.
local function steps_on(self, ms, sequence)
  local is_later = ms > self.ms or (ms == self.ms and sequence > self.sequence)
  self.ms, self.sequence = ms, sequence
  return is_later
end

---@param commands table[]  what Redis is asked; these come after it
function values.add_commands(self, commands)
  local texts
  texts, self.last = outbox.waiting(self.number, AT_ONCE)
  for _, text in ipairs(texts) do
    table.insert(commands, { "XADD", self.stream, "MAXLEN", "~", KEPT, "*", "v", text })
  end
  if #texts > 0 then table.insert(commands, { "EXPIRE", self.stream, KEPT_SECONDS }) end
  table.insert(commands, { "TIME" })
  table.insert(commands, { "XRANGE", self.stream, self.next, "+", "COUNT", AT_ONCE })
end

local function leave_out(self, id)
  if self.has_warned then return end
  self.has_warned = true
  self.host.log.warn("shared store %s: entry %s of %s is no change of a value: such are left out",
    self.name, id, show.text(self.stream))
end

-- nil: that is no entry of a stream.
local function take_in(self, entry, now_ms)
  local id, fields = entry[1], entry[2]
  if type(id) ~= "string" or type(fields) ~= "table" then return nil end
  local at_ms, sequence = read_id(id)
  if not at_ms or not steps_on(self, at_ms, sequence) then return nil end
  self.next = ("%.0f-%.0f"):format(at_ms, sequence + 1)
  local text = fields[2]
  if type(text) ~= "string" or not apply(self, text, now_ms - at_ms) then leave_out(self, id) end
  return true
end

-- What TIME says: seconds, and microseconds beside them. nil: it is no time.
local function ms_of(time)
  local seconds, us = tonumber(time[1]), tonumber(time[2])
  return seconds and us and seconds * 1000 + us / 1000
end

---@param replies table   to all commands; those to ours are the last ones
---@return boolean? ok, string? why
function values.take_replies(self, replies)
  local time, found = replies[#replies - 1], replies[#replies]
  local now_ms = type(time) == "table" and ms_of(time)
  if not now_ms or type(found) ~= "table" then return nil, NONSENSE end
  outbox.taken(self.number, self.last)
  self.has_more = #found >= AT_ONCE
  for _, entry in ipairs(found) do
    if type(entry) ~= "table" or not take_in(self, entry, now_ms) then return nil, NONSENSE end
  end
  return true
end

---@param self table  neap.agent.redis_link
function values.begin(self)
  self.stream, self.next = self.settings.prefix .. self.name .. ":values", "-"
  self.ms, self.sequence = 0, -1
end

return values
