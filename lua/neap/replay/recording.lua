-- The file of a recording: read once to find its lines and put requests into the order in which
-- they came, then request by request, so that a file may be larger than memory.
--
--   recording.open(path) → r; nil, why
--   r.head, r.finish        the first and the last line (finish: nil when it broke off)
--   r.count                 how many requests
--   r.bad                   { count =, line =, why = }: lines that are of no use; the first of them
--   r:requests() → iterator of request, number of its line
--   r:pool(request, name, version) → its line

local cjson = require "cjson.safe"
local shape = require "neap.replay.shape"

local recording = {}

local Recording = {}
Recording.__index = Recording

-- The recording writes a byte that is no UTF-8 as the character of that number.
local function bytes_of(value)
  if type(value) == "string" then
    return (value:gsub("([\194\195])([\128-\191])", function(first, second)
      return string.char((first:byte() - 192) * 64 + second:byte() - 128)
    end))
  end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, inner in pairs(value) do copy[bytes_of(key)] = bytes_of(inner) end
  return copy
end

-- So that it is told from the character itself, all bytes are written so before.
local function in_bytes(line)
  return (line:gsub("[\128-\255]", function(c) return ("\\u%04x"):format(c:byte()) end))
end

local function decode(line)
  local has_bytes = line:find "\\u00[89a-fA-F]"
  local value, why = cjson.decode(has_bytes and in_bytes(line) or line)
  if type(value) ~= "table" then
    return nil, "not JSON: " .. tostring(why or "expected an object")
  end
  return has_bytes and bytes_of(value) or value
end

function Recording:note_bad(line, why)
  local bad = self.bad
  bad.count = bad.count + 1
  if not bad.line then bad.line, bad.why = line, why end
end

local function key_of(worker, name, version)
  return ("%s\31%s\31%s"):format(tostring(worker), tostring(name), tostring(version))
end

-- The first version of a pool stands for it, or the first one that has a backend.
local function add_pool(self, line, number)
  local value, why = decode(line)
  why = why or shape.pool(value)
  if why then return self:note_bad(number, why) end
  self.pools[key_of(value.worker, value.pool, value.version)] = value
  local first = self.first[value.pool]
  if not first then table.insert(self.names, value.pool) end
  if not first or #first.members == 0 then self.first[value.pool] = value end
end

local function add_request(self, line, number, offset)
  local at = line:match '"steps":%[{"ask":"decide","at":([%d.]+)'
  local worker = line:match '"worker":(%d+),"number"'
  local order = line:match '"number":(%d+),"steps"'
  if not at or not worker or not order then
    if not decode(line) then return self:note_bad(number, "not JSON, or cut off") end
    if line:find('"steps":[]', 1, true) then return end -- answered before any hook was asked
    return self:note_bad(number, "a request without its decision")
  end
  table.insert(self.index, { at = tonumber(at), worker = tonumber(worker),
    order = tonumber(order), offset = offset, bytes = #line, line = number })
end

local function add_line(self, line, number, offset)
  if line:find '^{"request":' then return add_request(self, line, number, offset) end
  if line:find '^{"pool":' then return add_pool(self, line, number) end
  local value, why = decode(line)
  if not value then return self:note_bad(number, why) end
  if value.recording and not self.head then
    self.head = value
  elseif value["end"] then
    why = shape.finish(value["end"])
    if why then return self:note_bad(number, why) end
    self.finish = value["end"]
  else
    self:note_bad(number, "neither a pool nor a request")
  end
end

local function read_index(self)
  local number, offset = 0, 0
  for line in self.file:lines() do
    number = number + 1
    if line ~= "" then add_line(self, line, number, offset) end
    offset = offset + #line + 1
  end
  table.sort(self.index, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    if a.worker ~= b.worker then return a.worker < b.worker end
    return a.order < b.order
  end)
end

local function packed(file)
  file:seek("set", 0)
  if file:read(2) ~= "\31\139" then return nil end
  return "it is compressed with gzip: unpack it first (gunzip -k)"
end

---@return table? recording, string? why
function recording.open(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  if not file:read(0) then
    file:close()
    return nil, path .. ": it is empty, or no file"
  end
  local self = setmetatable({ file = file, path = path, pools = {}, first = {}, names = {},
    index = {}, bad = { count = 0 } }, Recording)
  read_index(self)
  why = not self.head and packed(file)
  if why then return nil, ("%s: %s"):format(path, why) end
  if not self.head then
    return nil, path .. ": not what neap record writes (its first line is missing)"
  end
  if self.head.recording ~= 1 then
    return nil, path .. ": another version of neap made it"
  end
  why = shape.head(self.head)
  if why then return nil, ("%s: its first line is wrong: %s"):format(path, why) end
  self.count = #self.index
  return self
end

-- The part of a recording that is already read: head, names, first, pools.
---@return table
function recording.of(part)
  local self = setmetatable({ head = part.head, names = part.names, first = part.first,
    pools = {} }, Recording)
  for _, line in ipairs(part.pools) do
    self.pools[key_of(line.worker, line.pool, line.version)] = line
  end
  return self
end

---@return table?  -- the line that says what it was
function Recording:pool(request, name, version)
  return self.pools[key_of(request.worker, name, version)]
end

local function is_service(self, name)
  for _, service in ipairs(self.head.services) do
    if service.name == name then return true end
  end
  return false
end

-- What is wrong with a request, if anything.
local function check(self, value)
  local why = shape.request(value)
  if why then return why end
  if not is_service(self, value.service) then
    return ("service %s is not in the first line"):format(value.service)
  end
  for _, step in ipairs(value.steps) do
    for _, pool in ipairs(step.pools or {}) do
      if not self:pool(value, pool.pool, pool.version) then
        return ("version %s of pool %s is missing"):format(tostring(pool.version), pool.pool)
      end
    end
  end
end

function Recording:requests()
  local i = 0
  return function()
    while true do
      i = i + 1
      local entry = self.index[i]
      if not entry then return nil end
      self.file:seek("set", entry.offset)
      local value, why = decode(self.file:read(entry.bytes) or "")
      if value then why = check(self, value) end
      if value and not why then return value, entry.line end
      self:note_bad(entry.line, why)
      self.count = self.count - 1
    end
  end
end

return recording
