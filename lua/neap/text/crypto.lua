-- neap.crypto: digests, HMAC, random bytes, comparing in secret.

local base64 = require "neap.text.base64"
local ffi = require "neap.ffi"

local C = ffi.C

local crypto = {}

local BITS = { sha1 = 1, sha256 = 256, sha384 = 384, sha512 = 512 }
local RANDOM_MAX = 256

local made = ffi.new "uint8_t[256]"

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local FORMS = {
  hex = hex, base64 = base64.encode, base64url = base64.encode_url,
  raw = function(bytes) return bytes end,
}

local function must_be_text(what, value)
  if type(value) ~= "string" then
    error(("neap.crypto.%s must be a string, not %s"):format(what, type(value)), 3)
  end
end

local function form_of(what, name)
  local form = FORMS[name or "hex"]
  if form then return form end
  error(("neap.crypto.%s: form '%s' (expected \"hex\", \"raw\", \"base64\" or \"base64url\")")
    :format(what, tostring(name)), 3)
end

local function result(form, n)
  if n == 0 then error("neap.crypto: OpenSSL failed", 0) end
  return form(ffi.string(made, n))
end

for name, bits in pairs(BITS) do
  crypto[name] = function(text, form)
    must_be_text(name .. "(text, form): text", text)
    local shape = form_of(name, form)
    return result(shape, C.neap_digest(bits, text, #text, made))
  end
end

---@param algorithm string  "sha1", "sha256", "sha384" or "sha512"
---@param key string
---@param text string
---@param form string?  "hex"
---@return string
function crypto.hmac(algorithm, key, text, form)
  local bits = BITS[algorithm]
  if not bits then
    error(("neap.crypto.hmac: algorithm '%s' (expected \"sha1\", \"sha256\", \"sha384\" or "
      .. "\"sha512\")"):format(tostring(algorithm)), 2)
  end
  must_be_text("hmac(algorithm, key, text, form): key", key)
  must_be_text("hmac(algorithm, key, text, form): text", text)
  local shape = form_of("hmac", form)
  return result(shape, C.neap_mac(bits, key, #key, text, #text, made))
end

---@param n integer  bytes
---@return string  raw
function crypto.random(n)
  if type(n) ~= "number" or n % 1 ~= 0 or n < 1 or n > RANDOM_MAX then
    error(("neap.crypto.random(n): n must be an integer from 1 to %d"):format(RANDOM_MAX), 2)
  end
  if C.neap_random_bytes(made, n) == 0 then error("neap.crypto.random: the kernel gave none", 2) end
  return ffi.string(made, n)
end

-- Takes as long wherever they differ; lengths are no secret.
---@param a string
---@param b string
---@return boolean
function crypto.equal(a, b)
  must_be_text("equal(a, b): a", a)
  must_be_text("equal(a, b): b", b)
  return #a == #b and C.neap_bytes_equal(a, b, #a) == 1
end

return crypto
