-- Streams of random numbers that do not depend on each other: each has a name, and gives the same
-- numbers for the same seed whatever the others do. So two policies get the very same requests, and
-- a third policy does not change the requests of the first.
--
-- The generator is sfc32 (Doty-Humphrey): 128 bits of state, one of which is a counter, so that the
-- period is 2^32 at least and 2^127 on average.

local bit = require "bit"

local bxor, lshift, rshift, rol, tobit = bit.bxor, bit.lshift, bit.rshift, bit.rol, bit.tobit

local dice = {}

local WARM_UP = 12

-- The product's low 32 bits.
local function multiply(a, b)
  local low, high = b % 65536, rshift(b, 16)
  return tobit(tobit(a * low % 4294967296) + lshift(tobit(a * high % 4294967296), 16))
end

-- Mixes a number into a 32-bit state (the finisher of MurmurHash3).
local function mix(state, value)
  local h = bxor(state, tobit(value % 4294967296))
  h = multiply(bxor(h, rshift(h, 16)), 0x85ebca6b)
  h = multiply(bxor(h, rshift(h, 13)), 0xc2b2ae35)
  return bxor(h, rshift(h, 16))
end

-- Four words out of a seed and a name.
local function words(seed, name)
  local h = mix(mix(0x9e3779b9, seed), math.floor(seed / 4294967296))
  for i = 1, #name do h = mix(h, name:byte(i) + i * 256) end
  return mix(h, 1), mix(h, 2), mix(h, 3)
end

---@param seed number  an integer
---@param name string
---@return fun(): number  -- in [0, 1), of 53 bits
function dice.stream(seed, name)
  local a, b, c = words(seed, name)
  local count = 1

  local function next_word()
    local t = tobit(tobit(a + b) + count)
    count = tobit(count + 1)
    a = bxor(b, rshift(b, 9))
    b = tobit(c + lshift(c, 3))
    c = tobit(rol(c, 21) + t)
    return t
  end

  for _ = 1, WARM_UP do next_word() end
  return function()
    local high = rshift(next_word(), 5)
    return (high * 67108864 + rshift(next_word(), 6)) * 1.1102230246251565e-16
  end
end

-- An integer seed for parts that have dice of their own.
---@return number  -- below 2^32
function dice.seed(seed, name)
  return (words(seed, name)) % 4294967296
end

return dice
