-- A client of HTTP/2 made of raw frames.
--
--   h2_client.connect(port or address, { tls = false, alpn = { "h2" }, is_manual =,
--                     settings = { { name, value }, … }, keeps_windows =, begins = true,
--                     timeout = 5 }) → c
--       tls: true, or options of tls_io.client. begins = false: neither preface nor SETTINGS were
--       sent. What support/h2_peer has: c:send, c:next, c:wait, c:head, c:data, c:ping, …
--   c:new_id() → 1, 3, 5, …
--   c:request(fields, o) → id        o: id, body (sent as windows allow), trailers, open = true
--       (no END_STREAM). Fields go behind :method GET, :scheme, :authority a.test and :path /;
--       those that `fields` has too take its value, and with false are left out
--   c:answer(id) → { status = number, headers = list and by name, body =, trailers =, interim =,
--       reset = name }, whole or reset; raises when the connection ends before
--   c:get(path, fields) → answer
--   c:outcome(id) → what came first, in words: "answer 200", "reset PROTOCOL_ERROR",
--       "goaway PROTOCOL_ERROR" (and then closed by the peer: raises if not), "closed"
--   c:fate() → the same of the connection alone: "goaway NAME" or "closed"
--   c:closed() → true if the peer ended the connection;  c:close(), c:reset(), c:finish()
--   h2_client.fields(fields, method, scheme) → the list that c:request sends

local client = require "support.client"
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local peer = require "support.h2_peer"
local tls_io = require "support.tls_io"

local h2_client = {}
local Client = setmetatable({}, { __index = peer.methods })
Client.__index = Client

function h2_client.connect(address, options)
  options = options or {}
  local io = client.connect(address, options)
  if options.tls then
    local how = type(options.tls) == "table" and options.tls or {}
    tls_io.client(io, { name = how.name, max = how.max, alpn = options.alpn or { "h2" } })
  end
  -- An end is for the spec to judge, a failed send too.
  local self = peer.new({
    read = function(_, count) return io:receive(count) end,
    send = function(_, bytes)
      if io.tls then return io:send(bytes) end
      return io:try_send(bytes)
    end,
  }, options, Client)
  self.socket, self.last_id, self.tls = io, -1, io.tls
  if options.begins ~= false then self:begin() end
  return self
end

function Client:new_id()
  self.last_id = self.last_id + 2
  return self.last_id
end

local PSEUDO = { ":method", ":scheme", ":authority", ":path" }

function h2_client.fields(fields, scheme)
  local values = {
    [":method"] = "GET", [":scheme"] = scheme or "http", [":authority"] = "a.test", [":path"] = "/",
  }
  local rest, list = {}, {}
  for name, value in pairs(fields or {}) do
    if type(name) == "string" then values[name] = value end
  end
  for _, field in ipairs(fields or {}) do
    if values[field[1]] ~= nil then
      values[field[1]] = field[2]
    else
      rest[#rest + 1] = field
    end
  end
  for _, name in ipairs(PSEUDO) do
    if values[name] then list[#list + 1] = { name, values[name] } end
    values[name] = nil
  end
  for name, value in pairs(values) do list[#list + 1] = { name, value } end
  for _, field in ipairs(rest) do list[#list + 1] = field end
  return list
end

function Client:request(fields, o)
  o = o or {}
  local id = o.id or self:new_id()
  local list = h2_client.fields(fields, self.tls and "https" or "http")
  local goes_on = o.open or o.body or o.trailers
  self:head(id, list, { end_stream = not goes_on, priority = o.priority, pad = o.pad })
  if o.body then self:send_body(id, o.body, { end_stream = not (o.open or o.trailers) }) end
  if o.trailers then self:head(id, o.trailers, { end_stream = true }) end
  return id
end

function Client:answer(id)
  local stream = self:stream(id)
  local ok, why = self:wait(function() return stream.ended or stream.reset end)
  if not ok then
    error(("stream %d: the connection %s; frames: %s"):format(id, why,
      table.concat(self.seen, ", ")), 2)
  end
  return {
    status = tonumber((stream.fields or {})[":status"]), headers = stream.fields or {},
    body = self:body_of(id), trailers = stream.trailers, interim = stream.interim,
    ended = stream.ended, reset = stream.reset,
  }
end

function Client:get(path, fields)
  local list = { [":path"] = path }
  for key, value in pairs(fields or {}) do list[key] = value end
  return self:answer(self:request(list))
end

local function after_goaway(self)
  if not self:closed() then error("GOAWAY with an error, but the connection stays open", 3) end
  return "goaway " .. self.goaway.code
end

local function failed(self) return self.goaway and self.goaway.code ~= "NO_ERROR" end

function Client:outcome(id)
  local stream = self:stream(id)
  self:wait(function() return failed(self) or stream.reset or stream.ended end)
  if failed(self) then return after_goaway(self) end
  if stream.reset and not stream.ended then return "reset " .. stream.reset end
  if stream.ended then return "answer " .. stream.fields[":status"] end
  return "closed"
end

function Client:fate()
  self:wait(function() return failed(self) end)
  return failed(self) and after_goaway(self) or "closed"
end

-- Frames that still come are read; neap may let the client read what it said for a while.
function Client:closed(limit)
  local deadline = eventually.now() + (limit or 10) * eventually.slowness
  while eventually.now() < deadline do
    local ok, frame = pcall(self.next, self)
    if ok and not frame then return true end
  end
  return false
end

function Client:close() self.socket:close() end
function Client:reset() self.socket:reset() end
function Client:finish() self.socket:finish() end

h2_client.frames = frames

return h2_client
