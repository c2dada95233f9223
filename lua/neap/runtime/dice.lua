-- The clock, the dice and the digests of hooks.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"

local C = ffi.C
local state, out = current.state, current.out
local floor = math.floor

local dice = {}

-- Seconds since 1970, taken once per turn of the loop.
function dice.now() return state.unix_now[0] end

-- A number in [0, 1); with n an integer from 1 to n.
function dice.random(n)
  if n == nil then return (C.neap_random()) end
  if type(n) ~= "number" or n < 1 or n % 1 ~= 0 then
    error("neap.random(n): n must be an integer above 0", 2)
  end
  return floor(C.neap_random() * n) + 1
end

local function must_be_text(what, value)
  if type(value) ~= "string" then
    error(("%s must be a string, not %s"):format(what, type(value)), 3)
  end
end

-- An integer from 0 to 2^32 - 1; not for secrets.
function dice.hash(text, seed)
  must_be_text("neap.hash(string, seed): string", text)
  seed = seed or 0
  if type(seed) ~= "number" or seed % 1 ~= 0 then
    error("neap.hash(string, seed): seed must be an integer", 2)
  end
  return (C.neap_hash(text, #text, seed % 4294967296))
end

-- HMAC-SHA-256 (RFC 2104) in hexadecimal.
function dice.hmac(key, text)
  must_be_text("neap.hmac(key, string): key", key)
  must_be_text("neap.hmac(key, string): string", text)
  C.neap_hmac(key, #key, text, #text)
  return out()
end

-- 64 hexadecimal digits that nobody outside knows, the same in all processes and over restarts of
-- workers.
function dice.secret()
  if C.neap_secret() == 0 then error("neap.secret: there are too many counters", 2) end
  return out()
end

return dice
