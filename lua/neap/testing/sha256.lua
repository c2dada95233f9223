-- SHA-256 (FIPS 180-4) and HMAC (RFC 2104) in plain Lua, for where there is no binary.

local bit = require "bit"

local band, bnot, bxor, ror, rshift, tobit = bit.band, bit.bnot, bit.bxor, bit.ror, bit.rshift,
  bit.tobit

local BLOCK = 64

local function is_prime(n)
  for d = 2, math.sqrt(n) do
    if n % d == 0 then return false end
  end
  return true
end

-- The first 32 bits of the fractional parts of roots of the first primes (FIPS 180-4, §4.2.2).
local function fractions(count, power)
  local list, n = {}, 2
  while #list < count do
    if is_prime(n) then
      local root = n ^ power
      table.insert(list, tobit(math.floor((root - math.floor(root)) * 2 ^ 32)))
    end
    n = n + 1
  end
  return list
end

local ROUNDS, START = fractions(64, 1 / 3), fractions(8, 1 / 2)

local function word(text, at)
  local a, b, c, d = text:byte(at, at + 3)
  return tobit(a * 2 ^ 24 + b * 2 ^ 16 + c * 2 ^ 8 + d)
end

local function schedule(text, at)
  local w = {}
  for i = 1, 16 do w[i] = word(text, at + (i - 1) * 4) end
  for i = 17, 64 do
    local x, y = w[i - 15], w[i - 2]
    local s0 = bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
    local s1 = bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
    w[i] = tobit(w[i - 16] + s0 + w[i - 7] + s1)
  end
  return w
end

local function compress(state, text, at)
  local w = schedule(text, at)
  local a, b, c, d, e, f, g, h = unpack(state)
  for i = 1, 64 do
    local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
    local t1 = tobit(h + s1 + bxor(band(e, f), band(bnot(e), g)) + ROUNDS[i] + w[i])
    local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
    local t2 = tobit(s0 + bxor(band(a, b), band(a, c), band(b, c)))
    h, g, f, e, d, c, b, a = g, f, e, tobit(d + t1), c, b, a, tobit(t1 + t2)
  end
  for i, v in ipairs { a, b, c, d, e, f, g, h } do state[i] = tobit(state[i] + v) end
end

local sha256 = {}

---@param text string
---@return string  32 bytes
function sha256.digest(text)
  local zeros = ("\0"):rep((55 - #text) % BLOCK + 4)
  local bits = #text * 8
  local length = string.char(math.floor(bits / 2 ^ 24) % 256, math.floor(bits / 2 ^ 16) % 256,
    math.floor(bits / 2 ^ 8) % 256, bits % 256)
  local padded, state = text .. "\128" .. zeros .. length, { unpack(START) }
  for at = 1, #padded, BLOCK do compress(state, padded, at) end
  local parts = {}
  for i = 1, 8 do
    local v = state[i]
    parts[i] = string.char(band(rshift(v, 24), 255), band(rshift(v, 16), 255),
      band(rshift(v, 8), 255), band(v, 255))
  end
  return table.concat(parts)
end

local function masked(key, mask)
  return (key:gsub(".", function(c) return string.char(bxor(c:byte(), mask)) end))
end

function sha256.hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

---@return string  hexadecimal
function sha256.hmac(key, text)
  if #key > BLOCK then key = sha256.digest(key) end
  key = key .. ("\0"):rep(BLOCK - #key)
  local inner = sha256.digest(masked(key, 0x36) .. text)
  return sha256.hex(sha256.digest(masked(key, 0x5c) .. inner))
end

return sha256
