-- One side of a connection of HTTP/2, for clients and backends of specs: frames out, frames in, and
-- what those say of streams. Frames that came are taken in by whoever waits; there is no thread.
--
--   peer.new(io, { settings = { { name, value }, … }, is_server = false, is_manual = false,
--                  keeps_windows = false }) → p
--       io: a stream of the specs. Nothing is sent yet. is_manual: neither SETTINGS nor PING are
--       acknowledged by themselves. keeps_windows: what DATA used up is not given back by itself.
--   p:begin()                    preface (a client) and SETTINGS
--   p:send(bytes) → true, or nil, why        frames of support/h2_frames, or other bytes
--   p:next() → frame, or nil, why            "closed", "reset"; raises when nothing comes
--   p:wait(fn, what) → what fn returned, or nil, why when the connection ended
--   p:stream(id) → the stream, made if new:
--       { id =, fields = list of { name, value } and by name, interim = { fields, … }, trailers =,
--         pieces = of the body, length =, ended = END_STREAM came, reset = name of an error,
--         window = what may be sent on it }
--   p:body_of(id) → what came of it so far
--   p:head(id, fields, o), p:data(id, bytes, o)    HEADERS and DATA; o: as in h2_frames
--   p:send_body(id, bytes, o)    DATA as the windows allow, waiting for them; o.end_stream = false
--   p:ping() → true once it was answered, or nil, why
--   p.peer_settings by name; p.settings_acked (count); p.goaway = { last =, code = name, text = },
--   p.goaways = all of them; p.window; p.seen = { "SETTINGS 0", … } (frames that came, in words);
--   p.opened = ids of streams that the other side began, in order, not yet taken

local frames = require "support.h2_frames"
local hpack = require "support.hpack"

local TYPE, FLAG = frames.TYPE, frames.FLAG
local DEFAULT_WINDOW = 65535
local KEPT_WORDS = 200

local peer = {}
local Peer = {}
Peer.__index = Peer
peer.methods = Peer

function peer.new(io, options, metatable)
  options = options or {}
  return setmetatable({
    io = io, is_server = options.is_server, is_manual = options.is_manual,
    keeps_windows = options.keeps_windows, settings = options.settings or {},
    decoder = hpack.decoder(), streams = {}, opened = {}, seen = {}, goaways = {},
    peer_settings = {}, settings_acked = 0, pongs = 0, window = DEFAULT_WINDOW,
    first_window = DEFAULT_WINDOW,
  }, metatable or Peer)
end

function Peer:send(bytes) return self.io:send(bytes) end

function Peer:begin()
  local first = self.is_server and "" or frames.PREFACE
  return self:send(first .. frames.settings(self.settings))
end

function Peer:stream(id)
  local stream = self.streams[id]
  if not stream then
    stream = { id = id, interim = {}, pieces = {}, length = 0, window = self.first_window }
    self.streams[id] = stream
  end
  return stream
end

function Peer:body_of(id) return table.concat(self:stream(id).pieces) end

local function has(frame, flag) return bit.band(frame.flags, flag) ~= 0 end

-- Without padding and priority.
local function bare(frame)
  local payload = frame.payload
  if has(frame, FLAG.PADDED) then payload = payload:sub(2, #payload - payload:byte(1)) end
  if frame.type == TYPE.HEADERS and has(frame, FLAG.PRIORITY) then payload = payload:sub(6) end
  return payload
end

local function is_interim(self, fields)
  return not self.is_server and (fields[":status"] or ""):find "^1%d%d$" ~= nil
end

local function take_fields(self, block)
  local stream, fields = self:stream(block.stream), self.decoder:decode(table.concat(block))
  if is_interim(self, fields) then
    table.insert(stream.interim, fields)
  elseif stream.fields then
    stream.trailers = fields
  else
    stream.fields = fields
    if self.is_server then table.insert(self.opened, block.stream) end
  end
  if block.end_stream then stream.ended = true end
end

local handlers = {}

function handlers.HEADERS(self, frame)
  self.block = { stream = frame.stream, end_stream = has(frame, FLAG.END_STREAM), bare(frame) }
  if has(frame, FLAG.END_HEADERS) then take_fields(self, self.block) end
end

function handlers.CONTINUATION(self, frame)
  table.insert(self.block, frame.payload)
  if has(frame, FLAG.END_HEADERS) then take_fields(self, self.block) end
end

function handlers.DATA(self, frame)
  local stream, bytes = self:stream(frame.stream), bare(frame)
  stream.pieces[#stream.pieces + 1] = bytes
  stream.length = stream.length + #bytes
  if has(frame, FLAG.END_STREAM) then stream.ended = true end
  if frame.length > 0 and not self.keeps_windows then
    self:send(frames.window(0, frame.length))
    if not stream.ended then self:send(frames.window(frame.stream, frame.length)) end
  end
end

function handlers.RST_STREAM(self, frame)
  self:stream(frame.stream).reset = frames.error_name(frames.number(frame.payload))
end

local function set_first_window(self, value)
  for _, stream in pairs(self.streams) do
    stream.window = stream.window + value - self.first_window
  end
  self.first_window = value
end

function handlers.SETTINGS(self, frame)
  if has(frame, FLAG.ACK) then
    self.settings_acked = self.settings_acked + 1
    return
  end
  for at = 1, #frame.payload, 6 do
    local id = frames.number(frame.payload:sub(at, at + 1))
    local value = frames.number(frame.payload:sub(at + 2, at + 5))
    self.peer_settings[id] = value
    for name, number in pairs(frames.SETTING) do
      if number == id then self.peer_settings[name] = value end
    end
    if id == frames.SETTING.INITIAL_WINDOW_SIZE then set_first_window(self, value) end
  end
  if not self.is_manual then self:send(frames.settings_ack()) end
end

function handlers.PING(self, frame)
  if has(frame, FLAG.ACK) then
    self.pongs, self.pong = self.pongs + 1, frame.payload
  elseif not self.is_manual then
    self:send(frames.ping(frame.payload, true))
  end
end

function handlers.GOAWAY(self, frame)
  self.goaway = {
    last = frames.number(frame.payload:sub(1, 4)) % 2 ^ 31,
    code = frames.error_name(frames.number(frame.payload:sub(5, 8))), text = frame.payload:sub(9),
  }
  table.insert(self.goaways, self.goaway)
end

function handlers.WINDOW_UPDATE(self, frame)
  local n = frames.number(frame.payload) % 2 ^ 31
  local target = frame.stream == 0 and self or self:stream(frame.stream)
  target.window = target.window + n
end

local function note(self, frame)
  if #self.seen < KEPT_WORDS then
    self.seen[#self.seen + 1] = frame.name .. " " .. frame.stream
  end
end

function Peer:next()
  local frame, why = frames.read(self.io)
  if not frame and why ~= "closed" and why ~= "reset" then
    error(("frame of HTTP/2: %s, after: %s"):format(why, table.concat(self.seen, ", ")), 2)
  end
  if not frame then return nil, why end
  note(self, frame)
  local handler = handlers[frame.name]
  if handler then handler(self, frame) end
  return frame
end

function Peer:wait(fn)
  while true do
    local result = fn()
    if result then return result end
    local frame, why = self:next()
    if not frame then return nil, why end
  end
end

function Peer:head(id, fields, o)
  self:stream(id)
  return self:send(frames.headers(id, hpack.block(fields), o))
end

function Peer:data(id, bytes, o) return self:send(frames.data(id, bytes, o)) end

function Peer:send_body(id, bytes, o)
  local stream, at = self:stream(id), 1
  local most = self.peer_settings.MAX_FRAME_SIZE or 16384
  local ends = not o or o.end_stream ~= false
  repeat
    local room = self:wait(function()
      if stream.reset then return 0 end
      local n = math.min(most, self.window, stream.window, #bytes - at + 1)
      return (n > 0 or at > #bytes) and n
    end)
    if not room or stream.reset then return nil, stream.reset or "closed" end
    self.window, stream.window = self.window - room, stream.window - room
    local is_last = at + room > #bytes
    local ok, why = self:data(id, bytes:sub(at, at + room - 1), { end_stream = ends and is_last })
    if not ok then return nil, why end
    at = at + room
  until at > #bytes
  return true
end

function Peer:ping()
  local before = self.pongs
  local ok, why = self:send(frames.ping("are you?"))
  if not ok then return nil, why end
  return self:wait(function() return self.pongs > before end)
end

return peer
