-- An answer of neap.http: whole, or its head and a body that is read piece by piece.

local naming = require "neap.config.naming"
local trim = require "neap.trim"
local wait = require "neap.runtime.wait"

local answer = {}
local Answer = naming.known("an answer", {}, { "status", "headers", "body", "failure" })
local class = { __index = Answer }

local PAUSE_BYTES = 128 * 1024

local streams = setmetatable({}, { __mode = "k" }) -- answer → what reads its body

-- By lower-case name; several values joined by ", ".
---@param text string  header lines
---@return table<string, string>
function answer.parse_headers(text)
  local headers = {}
  for line in text:gmatch "[^\r\n]+" do
    local name, value = line:match "^([^:]+):(.*)$"
    if name then
      name, value = name:lower(), trim.field(value)
      local before = headers[name]
      if type(before) == "table" then
        table.insert(before, value)
      else
        headers[name] = before and { before, value } or value
      end
    end
  end
  for name, value in pairs(headers) do
    if type(value) == "table" then headers[name] = table.concat(value, ", ") end
  end
  return headers
end

---@param name string  in any case
---@return string|nil
function Answer:header(name)
  if type(name) ~= "string" then error("answer:header(name): name must be a string", 2) end
  return self.headers[name:lower()]
end

local function stream_of(self, method)
  local stream = type(self) == "table" and streams[self]
  if stream then return stream end
  if type(self) ~= "table" or getmetatable(self) ~= class then
    error(("answer.%s(…): methods are called with a colon"):format(method), 3)
  end
  error(("answer:%s: its body is whole already: answer.body (ask with stream = true)")
    :format(method), 3)
end

local function finish(self, stream, why)
  stream.is_over, self.failure = true, why
  stream.finish(why == nil)
  return nil, why
end

-- A server that is fast enough would never let the hook wait: others have their turn, too.
local function give_way(stream)
  if stream.n < stream.next_pause then return end
  stream.next_pause = stream.n + PAUSE_BYTES
  wait.sleep(0)
end

local function read(self, stream)
  if stream.is_over then return nil, self.failure end
  give_way(stream)
  local piece, why = stream.receive()
  if not piece or piece == "" then return finish(self, stream, why) end
  stream.n = stream.n + #piece
  if stream.n > stream.max then return finish(self, stream, "the answer's body is too large") end
  return piece
end

-- The next piece; nil: that was all, or it failed, and why.
---@return string|nil piece, string|nil why
function Answer:read() return read(self, stream_of(self, "read")) end

-- for piece in answer:chunks() do … end; then answer.failure says whether that was all.
---@return fun(): string|nil
function Answer:chunks()
  local stream = stream_of(self, "chunks")
  return function() return (read(self, stream)) end
end

-- No more of it is wanted.
function Answer:close()
  local stream = stream_of(self, "close")
  if not stream.is_over then finish(self, stream, "closed") end
end

---@param status integer
---@param headers string|table  its lines, or its fields by name
---@param body string
function answer.whole(status, headers, body)
  if type(headers) == "string" then headers = answer.parse_headers(headers) end
  return setmetatable({ status = status, headers = headers, body = body }, class)
end

---@param status integer
---@param headers string  its lines
---@param stream table  receive() → piece, or nil and why; finish(is_whole); max: bytes
function answer.streamed(status, headers, stream)
  local self = setmetatable({ status = status, headers = answer.parse_headers(headers) }, class)
  stream.n, stream.next_pause = 0, PAUSE_BYTES
  streams[self] = stream
  return self
end

return answer
