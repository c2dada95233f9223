-- Buffered bytes of one socket, for the client and the origin alike.
--
--   stream.new(fd, wait) → s     wait(fd, "IN" or "OUT", seconds) → boolean decides how to wait:
--                                blocking in the client, by giving way in the origin
--   s.timeout                    seconds an operation may wait (15)
--   s:read_some() → bytes        whatever is there (at least one byte)
--   s:read(n) → n bytes
--   s:read_until(mark) → bytes up to and including the plain text `mark`
--   s:read_all() → bytes until the peer closed
--   s:send(bytes) → true
--   s:closed(seconds) → true if the peer closed (or reset) and nothing is left to read
--   s:finish(), s:close(), s:reset()
--   s:start_capture(), s:stop_capture() → all bytes read in between
--
-- Failures of the readers: nil, "closed" | "reset" | "timeout" | reason, bytes read so far.

local net = require "support.net"
local eventually = require "support.eventually"

local BLOCK = 65536

local stream = {}
local Stream = {}
Stream.__index = Stream
stream.methods = Stream

function stream.new(fd, wait, metatable)
  local self = { fd = fd, wait_for = wait, buffer = "", timeout = 15 }
  return setmetatable(self, metatable or Stream)
end

-- More bytes into the buffer; the time is that of one wait, so a slow but living peer is fine.
function Stream:fill()
  while true do
    if not self.fd then return nil, "closed" end
    local data, why = net.receive(self.fd, BLOCK)
    if data and #data > 0 then
      self.buffer = self.buffer == "" and data or self.buffer .. data
      return true
    end
    if data then return nil, "closed" end
    if why ~= "again" then return nil, why end
    local limit = self.timeout * eventually.slowness
    if not self.wait_for(self.fd, "IN", limit) then return nil, "timeout" end
  end
end

function Stream:take(count)
  local bytes = self.buffer:sub(1, count)
  self.buffer = self.buffer:sub(count + 1)
  if self.captured then table.insert(self.captured, bytes) end
  return bytes
end

function Stream:start_capture() self.captured = {} end

function Stream:stop_capture()
  local captured = table.concat(self.captured or {})
  self.captured = nil
  return captured
end

function Stream:read_some(most)
  if self.buffer == "" then
    local ok, why = self:fill()
    if not ok then return nil, why, "" end
  end
  return self:take(math.min(most or #self.buffer, #self.buffer))
end

-- Collects pieces instead of growing the buffer, so that long bodies cost linear time.
function Stream:read(count)
  local pieces, have = {}, 0
  while have < count do
    local bytes, why = self:read_some(count - have)
    if not bytes then return nil, why, table.concat(pieces) end
    table.insert(pieces, bytes)
    have = have + #bytes
  end
  return table.concat(pieces)
end

function Stream:read_until(mark)
  local from = 1
  while true do
    local _, last = self.buffer:find(mark, from, true)
    if last then return self:take(last) end
    from = math.max(1, #self.buffer - #mark + 2)
    local ok, why = self:fill()
    if not ok then return nil, why, self:take(#self.buffer) end
  end
end

function Stream:read_all()
  local pieces = {}
  while true do
    local bytes, why = self:read_some()
    if not bytes then
      local all = table.concat(pieces)
      if why == "closed" then return all end
      return nil, why, all
    end
    table.insert(pieces, bytes)
  end
end

function Stream:send(bytes)
  local first = 1
  while first <= #bytes do
    if not self.fd then return nil, "closed" end
    local count, why = net.send(self.fd, bytes:sub(first, first + BLOCK - 1))
    if count then
      first = first + count
    elseif why ~= "again" then
      return nil, why
    elseif not self.wait_for(self.fd, "OUT", self.timeout * eventually.slowness) then
      return nil, "timeout"
    end
  end
  return true
end

function Stream:closed(seconds)
  local kept = self.timeout
  self.timeout = seconds or 15
  local ok, why
  if self.buffer == "" then
    ok, why = self:fill()
  end
  self.timeout = kept
  return not ok and (why == "closed" or why == "reset")
end

function Stream:finish() net.finish(self.fd) end

function Stream:close()
  if self.fd then net.close(self.fd) end
  self.fd = nil
end

function Stream:reset()
  if self.fd then net.reset(self.fd) end
  self.fd = nil
end

return stream
