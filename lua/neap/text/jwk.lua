-- The keys of neap.jwt: of a JWK set (RFC 7517), PEM, or a secret.

local base64 = require "neap.text.base64"
local ffi = require "neap.ffi"
local json = require "neap.json"

local C, N = ffi.C, ffi.numbers

local jwk = {}

local KEYS_MAX, TEXT_MAX = 100, 262144
local KINDS = {
  [N.NEAP_PUBLIC_KEY_RSA] = "RSA", [N.NEAP_PUBLIC_KEY_P256] = "P-256",
  [N.NEAP_PUBLIC_KEY_P384] = "P-384", [N.NEAP_PUBLIC_KEY_P521] = "P-521",
  [N.NEAP_PUBLIC_KEY_ED25519] = "Ed25519",
}
local CURVES = {
  ["P-256"] = N.NEAP_PUBLIC_KEY_P256, ["P-384"] = N.NEAP_PUBLIC_KEY_P384,
  ["P-521"] = N.NEAP_PUBLIC_KEY_P521,
}

-- What stands in it lives as long as it does.
local function owned(handle)
  if handle == nil then return nil end
  local kind = KINDS[tonumber(C.neap_key_kind(handle))]
  return { kind = kind, handle = ffi.gc(handle, C.neap_key_free) }
end

local function bytes_of(given, name)
  local text = given[name]
  return type(text) == "string" and base64.decode_url(text) or nil
end

local READERS = {}

function READERS.RSA(given)
  local n, e = bytes_of(given, "n"), bytes_of(given, "e")
  return n and e and owned(C.neap_key_rsa(n, #n, e, #e))
end

function READERS.EC(given)
  local curve, x, y = CURVES[given.crv], bytes_of(given, "x"), bytes_of(given, "y")
  return curve and x and y and owned(C.neap_key_ec(curve, x, #x, y, #y))
end

function READERS.OKP(given)
  local x = bytes_of(given, "x")
  return given.crv == "Ed25519" and x and owned(C.neap_key_ed25519(x, #x))
end

function READERS.oct(given)
  local secret = bytes_of(given, "k")
  return secret and #secret > 0 and { kind = "secret", secret = secret }
end

-- May the key be used to verify signatures (RFC 7517 §4.2, §4.3)?
local function may_verify(given)
  if given.use ~= nil and given.use ~= "sig" then return false end
  if type(given.key_ops) ~= "table" then return given.key_ops == nil end
  for _, operation in ipairs(given.key_ops) do
    if operation == "verify" then return true end
  end
  return false
end

-- nil: one that is not understood, which is left out (RFC 7517 §5).
local function key_of(given)
  local reader = type(given) == "table" and READERS[given.kty]
  local key = reader and may_verify(given) and reader(given)
  if not key then return nil end
  key.kid = type(given.kid) == "string" and given.kid or nil
  key.algorithm = type(given.alg) == "string" and given.alg or nil
  return key
end

local function set_of(given)
  local items = type(given.keys) == "table" and given.keys or { given }
  if #items > KEYS_MAX then return nil, ("keys: more than %d"):format(KEYS_MAX) end
  local list = {}
  for _, item in ipairs(items) do list[#list + 1] = key_of(item) end
  if #list == 0 then
    return nil, "keys: none that can be used (RSA from 2048 bits, EC P-256, P-384, P-521, OKP "
      .. "Ed25519, oct)"
  end
  return list
end

local function read_set(text)
  if #text > TEXT_MAX then return nil, "keys: the text is too long" end
  local given = json.decode(text)
  if type(given) ~= "table" then return nil, "keys: not the JSON of a key set" end
  return set_of(given)
end

local function read_pem(text)
  local key = owned(C.neap_key_pem(text, #text))
  if key then return { key } end
  return nil, "keys: no public key that can be used in this PEM (expected BEGIN PUBLIC KEY or "
    .. "BEGIN CERTIFICATE; RSA from 2048 bits, EC P-256, P-384, P-521, Ed25519)"
end

-- A text that might be a public key is never taken for a secret: whoever knows it could sign.
local function read_text(text)
  if text:find("-----BEGIN", 1, true) then return read_pem(text) end
  if text:find "^%s*{" then return read_set(text) end
  if text:find "^ssh%-" or text:find "^ecdsa%-" then
    return nil, "keys: SSH's form of a key is not understood (expected PEM or a JWK set)"
  end
  if text == "" then return nil, "keys: an empty secret" end
  return { { kind = "secret", secret = text } }
end

---@param given string|table  PEM, the JSON of a JWK set, or a secret; a decoded set, or one key
---@return table[]? list, string? why
function jwk.read(given)
  if type(given) == "table" then return set_of(given) end
  return read_text(given)
end

return jwk
