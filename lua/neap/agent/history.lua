-- What services, pools and backends did lately, second by second and minute by minute. It is kept
-- in memory of the board, so it outlives the agent, and is carried over by a reload.

local ffi = require "neap.ffi"
local counts = require "neap.admin.counts"

local C = ffi.C

local history = {}

-- In the order of a sample; first those that are counted, so each a second.
history.fields = { "requests", "2xx", "3xx", "4xx", "5xx", "other", "refused", "failures",
  "inflight", "p50", "p99" }

local SUMS, FIELDS = 8, #history.fields
local BUCKETS = ffi.numbers.NEAP_HISTOGRAM_BUCKETS
local SLOTS_MAX = ffi.numbers.NEAP_BOARD_BACKENDS_MAX
local BACKENDS = 512 -- with more backends in all, none has a history of its own
local BRIDGED = 10   -- so many steps that nobody looked at get the average; more are left empty
local NAN = 0 / 0

-- Step in seconds → where it is in a row.
local RINGS = {
  [1] = { step = 1, size = 600, track = "seconds", ring = "second" },
  [60] = { step = 60, size = 1440, track = "minutes", ring = "minute" },
}
history.steps = RINGS

-- ---- rows ----

local known = {} -- key → row

local function find(key, is_short)
  for i = 0, C.neap_history_used(is_short) - 1 do
    local row = C.neap_history_row_at(is_short, i)
    if ffi.string(row.key) == key then return row end
  end
end

-- The one that was not written to for the longest time.
local function oldest(is_short)
  local found
  for i = 0, C.neap_history_used(is_short) - 1 do
    local row = C.neap_history_row_at(is_short, i)
    if not found or row.seen < found.seen then found = row end
  end
  return found
end

local function take(key, is_short)
  local row = C.neap_history_add(is_short)
  if row == nil then
    row = oldest(is_short)
    known[ffi.string(row.key)] = nil
    ffi.fill(row, ffi.offsetof("neap_history_row", "second"))
  end
  ffi.copy(row.key, key)
  return row
end

-- kind: "service", "pool" or "backend"; pool: whose backend it is.
local function key_of(kind, name, pool)
  return ("%s\n%s\n%s"):format(kind, pool or "", name):sub(1, 255)
end

local function row_of(key, is_short)
  local row = known[key] or find(key, is_short) or take(key, is_short)
  known[key] = row
  return row
end

-- ---- samples ----

-- What was counted in all by now: of one thing after the other.
local now = { sums = ffi.new("double[?]", SUMS), bucket = ffi.new("double[?]", BUCKETS),
  inflight = 0 }
local grown = {}

local function quantiles(track)
  grown.count = 0
  for i = 1, BUCKETS do
    grown[i] = math.max(now.bucket[i - 1] - track.bucket[i - 1], 0)
    grown.count = grown.count + grown[i]
  end
  return counts.quantile(grown, 0.5) or NAN, counts.quantile(grown, 0.99) or NAN
end

local sample = ffi.new("float[?]", FIELDS)

local function measure(track, seconds)
  for i = 0, SUMS - 1 do sample[i] = math.max(now.sums[i] - track.sums[i], 0) / seconds end
  sample[SUMS] = track.peak
  sample[SUMS + 1], sample[SUMS + 2] = quantiles(track)
end

local function remember(track, at)
  track.at, track.peak = at, 0
  ffi.copy(track.sums, now.sums, SUMS * 8)
  ffi.copy(track.bucket, now.bucket, BUCKETS * 8)
end

local function empty(ring, from, to, size)
  for n = math.max(from, to - size + 1), to do
    local place = ring[n % size]
    for i = 0, FIELDS - 1 do place[i] = NAN end
  end
end

-- The first sample, and one after the clock was set back.
local function begin(track, at)
  track.from = at + 1
  remember(track, at)
end

local function resume(of, track, ring, at)
  empty(ring, track.at + 1, at, of.size)
  remember(track, at)
end

local function advance(row, of, time)
  local track, ring, at = row[of.track], row[of.ring], math.floor(time / of.step)
  track.peak = math.max(track.peak, now.inflight)
  local passed = at - track.at
  if passed <= 0 and passed > -BRIDGED then return end
  if track.at == 0 or passed < 0 then return begin(track, at) end
  if passed > BRIDGED then return resume(of, track, ring, at) end
  measure(track, passed * of.step)
  for n = track.at + 1, at do ffi.copy(ring[n % of.size], sample, FIELDS * 4) end
  remember(track, at)
end

local function note(row, time, is_short)
  advance(row, RINGS[1], time)
  if is_short == 0 then advance(row, RINGS[60], time) end
  row.seen = time
end

-- ---- what is counted ----

local function set_times(bucket)
  for i = 0, BUCKETS - 1 do now.bucket[i] = bucket[i] end
end

local function sum_of(map)
  local sum = 0
  for _, n in pairs(map) do sum = sum + n end
  return sum
end

local function count_service(service, inflight)
  local s = counts.service(service.name)
  local a, sums = s.answers, now.sums
  sums[0], sums[1], sums[2], sums[3], sums[4] = s.requests, a["2xx"], a["3xx"], a["4xx"], a["5xx"]
  sums[5] = a.none + a["1xx"] + a.other
  sums[6], sums[7] = sum_of(s.refused), sum_of(s.failed)
  for i = 1, BUCKETS do now.bucket[i - 1] = s.total[i] end
  now.inflight = inflight or 0
end

local slots = ffi.new("int32_t[?]", SLOTS_MAX)
local together = ffi.new "neap_backend_counts"

local function set_backends(refused)
  local sums, answered = now.sums, 0
  sums[0] = together.requests
  for i = 0, 3 do
    sums[i + 1] = together.answers[i]
    answered = answered + together.answers[i]
  end
  set_times(together.first_byte.bucket)
  local all = 0
  for i = 0, BUCKETS - 1 do all = all + now.bucket[i] end
  sums[5] = math.max(all - answered, 0)
  sums[6], sums[7] = refused, together.failures
  now.inflight = together.inflight
end

local function count_slots(list)
  local n = math.min(#list, SLOTS_MAX)
  for i = 1, n do slots[i - 1] = list[i] end
  C.neap_count_backends(slots, n, together)
  set_backends(0)
end

local function is_same(list, members)
  if #list ~= #members then return false end
  for i, member in ipairs(members) do
    if list[i] ~= member.slot then return false end
  end
  return true
end

-- The counts of backends that left are not in the sum any more, and those of one that came back are
-- again: neither is something that happened now. So what both tracks go on from is moved as far as
-- the sum is.
local function shift(row, list)
  local moved, bucket = {}, {}
  for i = 0, SUMS - 1 do moved[i] = now.sums[i] end
  for i = 0, BUCKETS - 1 do bucket[i] = now.bucket[i] end
  count_slots(list)
  for _, track in ipairs { row.seconds, row.minutes } do
    for i = 0, SUMS - 1 do track.sums[i] = track.sums[i] + now.sums[i] - moved[i] end
    for i = 0, BUCKETS - 1 do track.bucket[i] = track.bucket[i] + now.bucket[i] - bucket[i] end
  end
end

local function count_pool(pool, row)
  local list = pool.history_slots
  if not list or not is_same(list, pool.members) then
    local new = {}
    for i, member in ipairs(pool.members) do new[i] = member.slot end
    if list then
      count_slots(list)
      shift(row, new)
    end
    pool.history_slots = new
  end
  count_slots(pool.history_slots)
  now.sums[6] = counts.pool(pool.index).queue.refused
end

local function look_at_backends(pool, time)
  for _, member in ipairs(pool.members) do
    slots[0] = member.slot
    C.neap_count_backends(slots, 1, together)
    set_backends(0)
    note(row_of(key_of("backend", member.name, pool.name), 1), time, 1)
  end
end

local function look(self, time)
  local inflight, count = {}, 0
  for _, pool in ipairs(self.pools) do count = count + #pool.members end
  for _, pool in ipairs(self.pools) do
    local row = row_of(key_of("pool", pool.name), 0)
    count_pool(pool, row)
    inflight[pool.name] = now.inflight
    note(row, time, 0)
    if count <= BACKENDS then look_at_backends(pool, time) end
  end
  for _, service in ipairs(self.config.services) do
    count_service(service, inflight[service.pool])
    note(row_of(key_of("service", service.name), 0), time, 0)
  end
end

-- To be called often; takes a sample when another second has begun and this generation serves.
function history.look(self)
  local time = self.board.wall_ms() / 1000
  local second = math.floor(time)
  if second == self.history_at or counts.life().serving == 0 then return end
  self.history_at = second
  look(self, time)
end

-- ---- what is told ----

---@param key string[]  "service", "pool" or "backend", its name, and of a backend its pool
---@param step integer  1 or 60
---@param since number  Unix time
---@return integer? at  Unix time of the first sample
---@return table[]? samples  a list for each of history.fields; NaN: nobody looked
function history.read(key, step, since)
  local is_short, of = key[1] == "backend" and 1 or 0, RINGS[step]
  local row = find(key_of(unpack(key)), is_short)
  if not row then return nil end
  local last, lists = row[of.track].at, {}
  local first = math.max(last - of.size + 1, row[of.track].from, math.floor(since / step) + 1)
  first = math.min(first, last + 1) -- where the next one will be
  for i = 1, FIELDS do lists[i] = {} end
  for n = first, last do
    local place = row[of.ring][n % of.size]
    for i = 1, FIELDS do lists[i][n - first + 1] = place[i - 1] end
  end
  return first * step, lists
end

return history
