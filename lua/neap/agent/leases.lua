-- The limits of a store that several balancers have in common (src/shm/store_lease.h): what was
-- taken here is written to Redis, which says how far ahead of its rate each key is by what all
-- have taken. Redis has a hash a key, which expires when the key has its whole burst again, and one
-- set of those who take part.

local current = require "neap.runtime.current"
local ffi = require "neap.ffi"

local C = ffi.C

local leases = {}

local KEYS_MAX = 2048       -- at once; the others wait for the next exchange
local KEYS_CALL = 256       -- of one call: Redis does nothing else meanwhile
local CELLS = 4 * 65536     -- of the store that are looked at, each time
local BEAT = 1              -- seconds at most between two signs of life
local LIVE_US = 3.5e6       -- who gave none for that long is gone
local STALE = 1             -- seconds at least that who took of a key counts
local BALANCERS_MAX = 10000
local NONSENSE = "its answer makes no sense"
local SPAN_US = 1e15        -- of a burst: more is no number of ours

-- KEYS: who takes part, then the keys. ARGV: this balancer, how long one lives, how long one that
-- takes of a key counts; then what each key moves on by, and how far ahead it may be at most: a
-- clock that is set back must not hold clients off for longer. All in microseconds, by the clock of
-- Redis. It says how many take part, then of each key how far ahead it is and how many take of it.
local SCRIPT = [[
local call, id, window = redis.call, ARGV[1], tonumber(ARGV[3])
local t = call('TIME')
local now = t[1] * 1000000 + t[2]
call('ZADD', KEYS[1], now, id)
call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
call('ZREMRANGEBYSCORE', KEYS[1], now + ARGV[2], '+inf')
call('PEXPIRE', KEYS[1], 60000)
local out = { call('ZCARD', KEYS[1]) }
for i = 2, #KEYS do
  local key, owed, most = KEYS[i], tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local found, arrival, takers = call('HGETALL', key), now, 1
  for j = 1, #found, 2 do
    local name, at = found[j], tonumber(found[j + 1]) or 0
    if name == 'arrival' then
      arrival = at
    elseif name ~= id then
      if math.abs(now - at) < window then takers = takers + 1 else call('HDEL', key, name) end
    end
  end
  local ahead = math.min(math.max(arrival - now, 0) + owed, most)
  call('HSET', key, 'arrival', string.format('%.0f', now + ahead), id, string.format('%.0f', now))
  call('PEXPIRE', key, math.floor(math.max(ahead, window) / 1000) + 1)
  out[2 * i - 2], out[2 * i - 1] = math.ceil(ahead), takers
end
return out]]

-- The others may have taken as much as a whole burst each before they knew.
local function most_of(self, tolerance_us)
  local n = self:balancers()
  return (n + 1) * tolerance_us + 4 * n * self.settings.interval * 1e6
end

local function collect(self)
  local debts, r = {}, self.round
  if C.neap_lease_begin(self.number, r, CELLS) == 0 then return debts end
  while #debts < KEYS_MAX and C.neap_lease_next(self.number, r) == 1 do
    table.insert(debts, { key = current.out(), owed = r.owed_us,
      most = most_of(self, r.tolerance_us) })
  end
  return debts
end

local function number(n) return ("%.0f"):format(n) end

local function command_of(self, debts, from, to)
  local n = math.max(0, to - from + 1)
  local words = { "EVAL", SCRIPT, tostring(1 + n), self.prefix .. "balancers" }
  for i = from, to do table.insert(words, self.prefix .. "l:" .. debts[i].key) end
  table.insert(words, self.id)
  table.insert(words, number(LIVE_US))
  table.insert(words, number(self.stale * 1e6))
  for i = from, to do
    table.insert(words, number(debts[i].owed))
    table.insert(words, number(debts[i].most))
  end
  return words
end

-- What Redis is asked now; nil: nothing.
---@return table[]?
function leases.commands(self)
  -- What was not delivered comes first, and nothing else until it is.
  local debts = self.debts or collect(self)
  local now = C.neap_clock()
  if #debts == 0 and now < self.beat then return nil end
  self.debts, self.beat = debts, now + BEAT
  local commands = {}
  repeat
    local from = #commands * KEYS_CALL + 1
    table.insert(commands, command_of(self, debts, from, math.min(from + KEYS_CALL - 1, #debts)))
  until #commands * KEYS_CALL >= #debts
  return commands
end

local function is_within(value, least, most)
  return type(value) == "number" and value >= least and value <= most
end

local function share(self, balancers)
  C.neap_lease_share(self.number, math.max(self.settings.balancers, balancers), self.stale)
end

local function settle_one(self, debts, from, reply)
  local n = math.min(KEYS_CALL, #debts - from + 1)
  if type(reply) ~= "table" or #reply ~= 1 + 2 * n
    or not is_within(reply[1], 1, BALANCERS_MAX) or reply[1] % 1 ~= 0 then
    return nil, NONSENSE
  end
  for i = 1, n do
    local most = math.min(debts[from + i - 1].most + 1, SPAN_US)
    local ahead, takers = reply[2 * i], reply[2 * i + 1]
    if not is_within(ahead, 0, most) or not is_within(takers, 1, BALANCERS_MAX) then
      return nil, NONSENSE
    end
  end
  share(self, reply[1])
  for i = 1, n do
    local key = debts[from + i - 1].key
    C.neap_lease_settle(self.number, key, #key, reply[2 * i], reply[2 * i + 1])
  end
  return true
end

---@param replies table  the first ones are to what `commands` gave
---@param count integer  so many
---@return boolean? ok, string? why
function leases.settle(self, replies, count)
  for i = 1, count do
    local ok, why = settle_one(self, self.debts, (i - 1) * KEYS_CALL + 1, replies[i])
    if not ok then return nil, why end
  end
  self.debts = nil
  return true
end

-- What was taken while Redis is away stays within this balancer's part: nobody needs to hear of it.
function leases.failed(self)
  self.beat = 0 -- asked again at once: else another answer that is good would hide this one
  if self.failures > 0 then self.debts = nil end
end

---@param self table  neap.agent.redis_link
function leases.begin(self)
  self.prefix = self.settings.prefix .. self.name .. ":"
  self.stale = math.max(STALE, 3 * self.settings.interval)
  self.round, self.beat = ffi.new "neap_lease_round", 0
  C.neap_lease_id(self.number)
  self.id = current.out()
  share(self, C.neap_lease_balancers(self.number))
end

return leases
