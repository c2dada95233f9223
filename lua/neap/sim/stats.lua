-- The figures by which a run is judged: latencies, the share and use of each backend, and all of
-- these over time, in windows of equal length.

local histogram = require "neap.sim.histogram"
local sorted = require "neap.sorted"

local max, min = math.max, math.min

local stats = {}

local Stats = {}
Stats.__index = Stats

local function zeros(n)
  local list = {}
  for b = 1, n do list[b] = 0 end
  return list
end

---@param o table  clock, backends (a number), horizon, warmup (seconds), windows (a number)
function stats.new(o)
  local n = o.backends
  return setmetatable({
    clock = o.clock, n = n, horizon = o.horizon, warmup = o.warmup or 0,
    latency = histogram.new(), queueing = histogram.new(),
    requests = 0, errors = 0, retries = 0, hedges = 0, hedges_won = 0, reasons = {},
    counts = zeros(n), failures = zeros(n), work = zeros(n), longest = zeros(n),
    length = o.horizon / o.windows, windows = o.windows, window_end = o.horizon / o.windows,
    window = { latency = histogram.new(), counts = zeros(n), sent = 0, errors = 0, longest = 0,
      peak = zeros(n) },
    timeline = { requests = {}, errors = {}, p50 = {}, p99 = {}, imbalance = {}, queue = {} },
    heat = {},
  }, Stats)
end

local function is_counted(self, arrived) return arrived >= self.warmup end

function Stats:arrived()
  if self.clock.now >= self.warmup then self.requests = self.requests + 1 end
end

function Stats:sent(b)
  local window = self.window
  window.counts[b], window.sent = window.counts[b] + 1, window.sent + 1
  if self.clock.now >= self.warmup then self.counts[b] = self.counts[b] + 1 end
end

function Stats:queued(b, length)
  local window = self.window
  if length > self.longest[b] then self.longest[b] = length end
  if length > window.longest then window.longest = length end
  if length > window.peak[b] then window.peak[b] = length end
end

-- A backend was at work on one request from one time to another.
function Stats:worked(b, from, to)
  self.work[b] = self.work[b] + max(0, min(to, self.horizon) - max(from, self.warmup))
end

function Stats:answered(arrived, now, waited)
  self.window.latency:add(now - arrived)
  if is_counted(self, arrived) then
    self.latency:add(now - arrived)
    self.queueing:add(waited)
  end
end

function Stats:failed(arrived, reason)
  self.window.errors = self.window.errors + 1
  if is_counted(self, arrived) then
    self.errors = self.errors + 1
    self.reasons[reason] = (self.reasons[reason] or 0) + 1
  end
end

function Stats:attempt_failed(b)
  if self.clock.now >= self.warmup then self.failures[b] = self.failures[b] + 1 end
end

function Stats:retried(arrived)
  if is_counted(self, arrived) then self.retries = self.retries + 1 end
end

function Stats:hedged(arrived)
  if is_counted(self, arrived) then self.hedges = self.hedges + 1 end
end

function Stats:hedge_won(arrived)
  if is_counted(self, arrived) then self.hedges_won = self.hedges_won + 1 end
end

-- The busiest backend's requests divided by the average; 1: all have the same. nil: there were
-- none.
local function imbalance_of(counts, n, sum)
  local most = 0
  for b = 1, n do most = max(most, counts[b]) end
  return sum > 0 and most * n / sum or nil
end

local function close_window(self)
  local window, timeline, n = self.window, self.timeline, self.n
  local q = window.latency:quantiles { 0.5, 0.99 }
  local i = #timeline.requests + 1
  timeline.requests[i], timeline.errors[i] = window.sent, window.errors
  timeline.p50[i], timeline.p99[i] = q[1], q[2]
  timeline.imbalance[i] = imbalance_of(window.counts, n, window.sent) or false
  timeline.queue[i] = window.longest
  local row = {}
  for b = 1, n do
    row[b], window.peak[b] = window.peak[b], 0
    window.counts[b] = 0
  end
  self.heat[i] = row
  window.latency:clear()
  window.sent, window.errors, window.longest = 0, 0, 0
end

-- Closes the windows that end before now; the last one goes on until all is done.
function Stats:roll(now)
  while now >= self.window_end do
    if #self.timeline.requests + 1 >= self.windows then
      self.window_end = math.huge
      return
    end
    close_window(self)
    self.window_end = (#self.timeline.requests + 1) * self.length
  end
end

function Stats:finish(now)
  self:roll(min(now, self.horizon))
  while #self.timeline.requests < self.windows do close_window(self) end
end

local function backends_of(self, names, places)
  local list, sent = {}, 0
  for b = 1, self.n do sent = sent + self.counts[b] end
  local span = max(self.horizon - self.warmup, 1e-9)
  for b = 1, self.n do
    list[b] = {
      name = names[b], share = sent > 0 and self.counts[b] / sent or 0, count = self.counts[b],
      utilisation = self.work[b] / (span * places[b]), failures = self.failures[b],
      queue = self.longest[b],
    }
  end
  return list
end

-- The average of the windows that had requests, by requests, and the worst window.
local function imbalance_over_time(self)
  local sum, weight, most = 0, 0, 0
  for i, value in ipairs(self.timeline.imbalance) do
    if value then
      local requests = self.timeline.requests[i]
      sum, weight, most = sum + value * requests, weight + requests, max(most, value)
    end
  end
  return { mean = weight > 0 and sum / weight or 0, max = most }
end

-- The curve of latency over shares, for the pictures: more points the nearer it comes to 1.
local CURVE = {}
for decade = 0, 3 do
  for step = 0, 23 do table.insert(CURVE, 1 - 10 ^ -(decade + step / 24)) end
end
table.insert(CURVE, 0.9999)
stats.curve_shares = CURVE

---@param names string[]
---@param places number[]  what each backend serves at once
function Stats:result(names, places)
  return {
    requests = self.requests, latency = self.latency:summary(),
    queueing = self.queueing:summary(), backends = backends_of(self, names, places),
    imbalance = imbalance_over_time(self), errors = self.errors,
    reasons = sorted.counts(self.reasons, "reason"), retries = self.retries,
    hedges = self.hedges, hedges_won = self.hedges_won,
    timeline = self.timeline, interval = self.length, heat = self.heat,
    curve = self.latency:quantiles(CURVE),
  }
end

return stats
