-- Hashes and dice, the same to the bit as those of src/base/digest.c.

local bit = require "bit"
local ffi = require "neap.ffi"

local bxor, rshift, lshift, bor = bit.bxor, bit.rshift, bit.lshift, bit.bor
local u64 = ffi.typeof "uint64_t"
local log = math.log

local digest = {}

-- Spreads every bit over all others.
local function mix(x)
  x = bxor(x, rshift(x, 33)) * 0xff51afd7ed558ccdULL
  x = bxor(x, rshift(x, 33)) * 0xc4ceb9fe1a85ec53ULL
  return bxor(x, rshift(x, 33))
end

---@param text string
---@param seed number  an integer from 0 to 2^32 - 1
---@return number  an integer below 2^32
function digest.hash(text, seed)
  local h = bxor(0xcbf29ce484222325ULL, mix(u64(seed)))
  for i = 1, #text do h = bxor(h, u64(text:byte(i))) * 0x100000001b3ULL end
  return tonumber(rshift(mix(h), 32))
end

function digest.pair(a, b) return tonumber(rshift(mix(bor(lshift(u64(a), 32), u64(b))), 32)) end

-- A score from 32 random bits and a weight: how often each gets the highest follows its weight.
function digest.score(bits, weight) return weight / -log((bits + 0.5) / 4294967296) end

-- A function that gives numbers in [0, 1): the same ones for the same seed; and its state.
function digest.dice(seed)
  local state = ffi.new "uint64_t[1]"
  state[0] = bor(mix(u64(seed)), 1ULL)
  return function()
    local s = state[0] + 0x9e3779b97f4a7c15ULL
    state[0] = s
    return tonumber(rshift(mix(s), 11)) * 2 ^ -53
  end, state
end

return digest
