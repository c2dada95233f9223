-- Frames of HTTP/2 (RFC 9113 §4, §6), byte by byte, right ones and wrong ones.
--
--   frames.PREFACE               what a client begins with (§3.4)
--   frames.TYPE, FLAG, ERROR, SETTING      numbers by name: TYPE.HEADERS, FLAG.END_STREAM,
--       ERROR.PROTOCOL_ERROR, SETTING.INITIAL_WINDOW_SIZE; frames.error_name(code),
--       frames.type_name(number) → name
--   frames.frame(type, flags, stream, payload, length = #payload) → bytes    length: what it claims
--   frames.data(stream, bytes, o), frames.headers(stream, block, o),
--   frames.continuation(stream, block, o)
--       o: end_stream, end_headers (true if not said), pad (octets of padding), priority =
--       { on =, weight = 1…256, exclusive = }, flags (further bits)
--   frames.settings { { id or name, value }, … };  frames.settings_ack()
--   frames.ping(eight bytes = "\0…", is_ack), frames.window(stream, n), frames.reset(stream, code),
--   frames.goaway(last, code, text = ""), frames.priority(stream, on, weight, is_exclusive),
--   frames.push_promise(stream, promised, block)
--   frames.u16(n), frames.u24(n), frames.u32(n) → bytes;  frames.number(bytes) → n
--   frames.read(io) → { type, name, flags, stream, payload, length }, or nil, why
--       io: anything with read(n) → n bytes or nil, why

local frames = {}

frames.PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

frames.TYPE = {
  DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PUSH_PROMISE = 5, PING = 6,
  GOAWAY = 7, WINDOW_UPDATE = 8, CONTINUATION = 9, PRIORITY_UPDATE = 16,
}

frames.FLAG = { ACK = 1, END_STREAM = 1, END_HEADERS = 4, PADDED = 8, PRIORITY = 32 }

frames.ERROR = {
  NO_ERROR = 0, PROTOCOL_ERROR = 1, INTERNAL_ERROR = 2, FLOW_CONTROL_ERROR = 3,
  SETTINGS_TIMEOUT = 4, STREAM_CLOSED = 5, FRAME_SIZE_ERROR = 6, REFUSED_STREAM = 7, CANCEL = 8,
  COMPRESSION_ERROR = 9, CONNECT_ERROR = 10, ENHANCE_YOUR_CALM = 11, INADEQUATE_SECURITY = 12,
  HTTP_1_1_REQUIRED = 13,
}

frames.SETTING = {
  HEADER_TABLE_SIZE = 1, ENABLE_PUSH = 2, MAX_CONCURRENT_STREAMS = 3, INITIAL_WINDOW_SIZE = 4,
  MAX_FRAME_SIZE = 5, MAX_HEADER_LIST_SIZE = 6, ENABLE_CONNECT_PROTOCOL = 8,
  NO_RFC7540_PRIORITIES = 9,
}

local TYPE, FLAG = frames.TYPE, frames.FLAG

local function name_in(list, number)
  for name, value in pairs(list) do
    if value == number then return name end
  end
  return tostring(number)
end

function frames.error_name(code) return name_in(frames.ERROR, code) end

function frames.type_name(number) return name_in(TYPE, number) end

local function big_endian(n, octets)
  local list = {}
  for i = octets, 1, -1 do
    list[i] = string.char(n % 256)
    n = math.floor(n / 256)
  end
  return table.concat(list)
end

function frames.u16(n) return big_endian(n, 2) end
function frames.u24(n) return big_endian(n, 3) end
function frames.u32(n) return big_endian(n, 4) end

function frames.number(bytes)
  local n = 0
  for i = 1, #bytes do n = n * 256 + bytes:byte(i) end
  return n
end

function frames.frame(type, flags, stream, payload, length)
  payload = payload or ""
  return frames.u24(length or #payload) .. string.char(type, flags) .. frames.u32(stream) .. payload
end

local function priority_field(on, weight, is_exclusive)
  return frames.u32((on or 0) + (is_exclusive and 2 ^ 31 or 0)) .. string.char((weight or 16) - 1)
end

-- → flags and payload of a frame that may be padded and may carry a priority
local function dressed(bytes, o)
  local flags = o.flags or 0
  if o.end_stream then flags = flags + FLAG.END_STREAM end
  if o.priority then
    flags = flags + FLAG.PRIORITY
    bytes = priority_field(o.priority.on, o.priority.weight, o.priority.exclusive) .. bytes
  end
  if o.pad then
    flags = flags + FLAG.PADDED
    bytes = string.char(o.pad) .. bytes .. ("\0"):rep(o.pad)
  end
  return flags, bytes
end

local function end_headers(o) return o.end_headers == false and 0 or FLAG.END_HEADERS end

function frames.data(stream, bytes, o)
  local flags, payload = dressed(bytes or "", o or {})
  return frames.frame(TYPE.DATA, flags, stream, payload)
end

function frames.headers(stream, block, o)
  local flags, payload = dressed(block, o or {})
  return frames.frame(TYPE.HEADERS, flags + end_headers(o or {}), stream, payload)
end

function frames.continuation(stream, block, o)
  return frames.frame(TYPE.CONTINUATION, end_headers(o or {}), stream, block)
end

function frames.settings(list)
  local bytes = {}
  for i, entry in ipairs(list or {}) do
    local id = frames.SETTING[entry[1]] or entry[1]
    bytes[i] = frames.u16(id) .. frames.u32(entry[2])
  end
  return frames.frame(TYPE.SETTINGS, 0, 0, table.concat(bytes))
end

function frames.settings_ack() return frames.frame(TYPE.SETTINGS, FLAG.ACK, 0) end

function frames.ping(bytes, is_ack)
  return frames.frame(TYPE.PING, is_ack and FLAG.ACK or 0, 0, bytes or ("\0"):rep(8))
end

function frames.window(stream, n)
  return frames.frame(TYPE.WINDOW_UPDATE, 0, stream, frames.u32(n))
end

function frames.reset(stream, code)
  return frames.frame(TYPE.RST_STREAM, 0, stream, frames.u32(code or frames.ERROR.CANCEL))
end

function frames.goaway(last, code, text)
  local payload = frames.u32(last) .. frames.u32(code or 0) .. (text or "")
  return frames.frame(TYPE.GOAWAY, 0, 0, payload)
end

function frames.priority(stream, on, weight, is_exclusive)
  return frames.frame(TYPE.PRIORITY, 0, stream, priority_field(on, weight, is_exclusive))
end

function frames.push_promise(stream, promised, block)
  return frames.frame(TYPE.PUSH_PROMISE, FLAG.END_HEADERS, stream, frames.u32(promised) .. block)
end

function frames.read(io)
  local head, why = io:read(9)
  if not head then return nil, why end
  local length = frames.number(head:sub(1, 3))
  local payload = ""
  if length > 0 then
    payload, why = io:read(length)
    if not payload then return nil, why end
  end
  local type = head:byte(4)
  return {
    type = type, name = frames.type_name(type), flags = head:byte(5),
    stream = frames.number(head:sub(6, 9)) % 2 ^ 31, payload = payload, length = length,
  }
end

return frames
