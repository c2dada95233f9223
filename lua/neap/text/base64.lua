-- neap.base64 (RFC 4648): both alphabets, read strictly. What one text stands for, no other does.

local bit = require "bit"
local ffi = require "neap.ffi"

local base64 = {}

local band, bor, lshift, rshift = bit.band, bit.bor, bit.lshift, bit.rshift
local NONE = 255
local COMMON = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
local PAD = 61
local KEPT_BYTES = 65536

-- Both ways: the characters by number, the numbers by character.
local function alphabet(last)
  local text = COMMON .. last
  local chars, numbers = ffi.new "uint8_t[64]", ffi.new "uint8_t[256]"
  ffi.fill(numbers, 256, NONE)
  for i = 0, 63 do
    chars[i] = text:byte(i + 1)
    numbers[chars[i]] = i
  end
  return { chars = chars, numbers = numbers }
end

local STANDARD, URL = alphabet "+/", alphabet "-_"

local kept, kept_bytes = ffi.new("uint8_t[?]", 1024), 1024

-- Memory for a result, which is the caller's until the next call.
local function room(bytes)
  if bytes <= kept_bytes then return kept end
  local memory = ffi.new("uint8_t[?]", bytes)
  if bytes <= KEPT_BYTES then kept, kept_bytes = memory, bytes end
  return memory
end

local function must_be_text(what, value)
  if type(value) ~= "string" then
    error(("neap.base64.%s must be a string, not %s"):format(what, type(value)), 3)
  end
end

-- The last one or two bytes; where the text ends then.
local function encode_rest(chars, from, at, left, to, n)
  local a, b = from[at], left == 2 and from[at + 1] or 0
  to[n], to[n + 1] = chars[rshift(a, 2)], chars[bor(lshift(band(a, 3), 4), rshift(b, 4))]
  if left == 1 then return n + 2 end
  to[n + 2] = chars[lshift(band(b, 15), 2)]
  return n + 3
end

local function encoded(bytes, chars, has_padding)
  local from, size, n = ffi.cast("const uint8_t *", bytes), #bytes, 0
  local to = room(math.floor((size + 2) / 3) * 4)
  local whole = size - size % 3
  for at = 0, whole - 1, 3 do
    local a, b, c = from[at], from[at + 1], from[at + 2]
    to[n], to[n + 1] = chars[rshift(a, 2)], chars[bor(lshift(band(a, 3), 4), rshift(b, 4))]
    to[n + 2], to[n + 3] = chars[bor(lshift(band(b, 15), 2), rshift(c, 6))], chars[band(c, 63)]
    n = n + 4
  end
  if whole < size then n = encode_rest(chars, from, whole, size - whole, to, n) end
  while has_padding and n % 4 ~= 0 do
    to[n] = PAD
    n = n + 1
  end
  return ffi.string(to, n)
end

-- The first place of a character that is none of the alphabet.
local function bad_place(from, size, numbers)
  for at = 0, size - 1 do
    if numbers[from[at]] == NONE then return at + 1 end
  end
end

-- The last two or three characters; nil: bits are left over.
local function decode_rest(from, at, left, numbers, to, n)
  local a, b = numbers[from[at]], numbers[from[at + 1]]
  to[n] = bor(lshift(a, 2), rshift(b, 4))
  if left == 2 then return band(b, 15) == 0 and n + 1 or nil end
  local c = numbers[from[at + 2]]
  to[n + 1] = band(bor(lshift(b, 4), rshift(c, 2)), 255)
  return band(c, 3) == 0 and n + 2 or nil
end

-- Of `size` characters without padding.
local function decoded(text, size, numbers)
  local from, n = ffi.cast("const uint8_t *", text), 0
  local to = room(math.floor(size / 4) * 3 + 3)
  local left, seen = size % 4, 0
  if left == 1 then return nil, "base64: it ends in the middle of a byte" end
  for at = 0, size - left - 1, 4 do
    local a, b = numbers[from[at]], numbers[from[at + 1]]
    local c, d = numbers[from[at + 2]], numbers[from[at + 3]]
    seen = bor(seen, a, b, c, d)
    to[n] = band(bor(lshift(a, 2), rshift(b, 4)), 255)
    to[n + 1] = band(bor(lshift(b, 4), rshift(c, 2)), 255)
    to[n + 2] = band(bor(lshift(c, 6), d), 255)
    n = n + 3
  end
  for at = size - left, size - 1 do seen = bor(seen, numbers[from[at]]) end
  if seen > 63 then
    return nil, ("base64: its character %d is none"):format(bad_place(from, size, numbers))
  end
  local stop = left > 0 and decode_rest(from, size - left, left, numbers, to, n) or n
  if left > 0 and stop == n then return nil, "base64: it ends in the middle of a byte" end
  return ffi.string(to, stop)
end

---@param bytes string
---@return string
function base64.encode(bytes)
  must_be_text("encode(bytes): bytes", bytes)
  return encoded(bytes, STANDARD.chars, true)
end

-- Without padding.
---@param bytes string
---@return string
function base64.encode_url(bytes)
  must_be_text("encode_url(bytes): bytes", bytes)
  return encoded(bytes, URL.chars, false)
end

---@param text string
---@return string? bytes, string? why
function base64.decode(text)
  must_be_text("decode(text): text", text)
  local size = #text
  if size % 4 ~= 0 then return nil, "base64: its length is no multiple of 4" end
  if size > 0 and text:byte(-1) == PAD then
    size = size - (text:byte(-2) == PAD and 2 or 1)
  end
  return decoded(text, size, STANDARD.numbers)
end

---@param text string
---@return string? bytes, string? why
function base64.decode_url(text)
  must_be_text("decode_url(text): text", text)
  return decoded(text, #text, URL.numbers)
end

return base64
