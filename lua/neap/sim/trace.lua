-- Requests from an access log, which is read as needed: never more than a few thousand lines, or
-- those of one second, are in memory. Logs are written when requests end, so lines come a little
-- out of order; they are sorted within a window.

local dice = require "neap.sim.dice"
local heap = require "neap.sim.heap"
local logline = require "neap.sim.logline"
local show = require "neap.config.show"

local huge = math.huge

local trace = {}

local WINDOW = 4096 -- lines that are compared to find the next one
local TAIL = 256 * 1024 -- bytes of the end where the last time is looked for
local EXAMPLES = 3 -- of lines that do not parse

local Trace = {}
Trace.__index = Trace

-- The places of the window's entries.
local function places()
  local list = {}
  for i = 1, WINDOW do list[i] = i end
  return list
end

local function note_skipped(self, line, why)
  local skipped = self.skipped
  skipped.count = skipped.count + 1
  if #skipped.examples < EXAMPLES then
    table.insert(skipped.examples, { line = self.line, text = show.text(line), why = why })
  end
end

-- Parses on until the window is full or the file ends.
local function fill(self)
  local window = self.window
  while window.n < WINDOW and self.file do
    local line = self.file:read "*l"
    if not line then
      self.file:close()
      self.file = nil
      return
    end
    self.line = self.line + 1
    local entry = logline.parse(line)
    if not entry then
      if line:find "%S" then note_skipped(self, line, "neither the combined format nor JSON") end
    elseif self.needs_took and not entry.took then
      note_skipped(self, line, "it does not say how long the request took")
    else
      local place = table.remove(self.free)
      window:push(entry.time, place)
      self.entries[place] = entry
    end
  end
end

local function take_first(self)
  local place = self.window:pop()
  local entry = self.entries[place]
  table.insert(self.free, place)
  fill(self)
  return entry
end

-- The entries of one moment; those of a whole second are spread over it at random.
local function read_batch(self)
  local batch, time = self.batch, self.window:next_time()
  local entry = take_first(self)
  batch[1] = entry
  if not entry.is_coarse then return 1 end
  local n = 1
  while self.window:next_time() == time do
    n = n + 1
    batch[n] = take_first(self)
  end
  local offsets = {}
  for i = 1, n do offsets[i] = self.random() end
  table.sort(offsets)
  for i = 1, n do batch[i].time = time + offsets[i] end
  return n
end

local function advance(self)
  if self.at < self.batch_n then
    self.at = self.at + 1
    return self.batch[self.at]
  end
  if self.window.n == 0 then return nil end
  self.batch_n = read_batch(self)
  self.at = 1
  return self.batch[1]
end

-- When the log ends: right after its last request.
local function last_time(path, start)
  local file, last = io.open(path, "rb"), start
  local size = file:seek "end"
  if not size then
    file:close()
    return nil
  end
  file:seek("set", math.max(0, size - TAIL))
  for line in file:lines() do
    local entry = logline.parse(line)
    if entry then last = math.max(last, entry.time + (entry.is_coarse and 1 or 1e-3)) end
  end
  file:close()
  return last
end

local function why_empty(self, path)
  local example = self.skipped.examples[1]
  if not example then return path .. ": there is no request in it" end
  return ("%s: none of its %d lines can be used; line %d, '%s': %s"):format(path,
    self.skipped.count, example.line, example.text, example.why)
end

---@param o table  path, seed, service (what draws service times; nil: the log says), speedup,
---  arrivals and rate (times of their own in place of the log's)
---@return table? source, string? why
function trace.open(o)
  local file, why = io.open(o.path, "rb")
  if not file then return nil, "cannot be read: " .. why end
  local self = setmetatable({
    path = o.path, file = file, line = 0, window = heap.new(), entries = {}, free = places(),
    batch = {}, batch_n = 0, at = 0, skipped = { count = 0, examples = {} }, used = 0,
    needs_took = not o.service, service = o.service, speedup = o.speedup or 1, last = 0,
    horizon = o.horizon or huge, random = dice.stream(o.seed, "spread"),
    random_service = dice.stream(o.seed, "service"),
    when = o.arrivals and o.arrivals.make(o.rate, dice.stream(o.seed, "arrivals")),
  }, Trace)
  local ok, failure = file:read(0)
  if not ok and failure then return nil, ("%s cannot be read: %s"):format(o.path, failure) end
  fill(self)
  if self.window.n == 0 then return nil, why_empty(self, o.path) end
  self.start = self.window:next_time()
  return self
end

-- For how long the log's requests come; nil: unknown without reading all of it.
---@return number? seconds
function Trace:span()
  local last = last_time(self.path, self.start)
  return last and math.max((last - self.start) / self.speedup, 1e-3)
end

-- Do its first lines say how long requests took? nil: there is no request in them.
---@return boolean?
function trace.has_times(path)
  local file = io.open(path, "rb")
  if not file or not file:read(0) then return nil end
  local seen, with = 0, 0
  for line in file:lines() do
    local entry = logline.parse(line)
    if entry then
      seen = seen + 1
      if entry.took then with = with + 1 end
    end
    if seen >= 100 then break end
  end
  file:close()
  if seen == 0 then return nil end
  return with * 2 > seen
end

function Trace:next(now)
  local entry = advance(self)
  self.entry = entry
  if not entry then return huge end
  local time
  if self.when then
    time = self.when(now)
  else
    time = math.max((entry.time - self.start) / self.speedup, self.last)
  end
  self.last = time
  if time >= self.horizon then return huge end
  return time
end

function Trace:take(record)
  local entry = self.entry
  self.used = self.used + 1
  record.method, record.path, record.query = entry.method, entry.path, entry.query
  record.host = entry.headers.host or "example.com"
  record.client_ip, record.client_port = entry.client_ip, 40000
  record.headers, record.unsafe = entry.headers, entry.unsafe
  if self.service then return self.service.draw(self.random_service) end
  return entry.took
end

-- What was read from the file, for the report.
function Trace:summary()
  return { file = self.path, lines = self.line, requests = self.used, skipped = self.skipped.count,
    examples = self.skipped.examples }
end

function Trace:close()
  if self.file then self.file:close() end
  self.file = nil
end

return trace
