-- neap.jwt: verifies signed tokens (RFC 7519, RFC 7515). What the token says of itself chooses
-- among the caller's keys and algorithms, and never adds to them (RFC 8725 §3.1).

local base64 = require "neap.text.base64"
local dice = require "neap.runtime.dice"
local ffi = require "neap.ffi"
local naming = require "neap.config.naming"
local json = require "neap.json"
local jwk = require "neap.text.jwk"
local scan = require "neap.config.json_scan"
local show = require "neap.config.show"

local C, N = ffi.C, ffi.numbers

local jwt = {}

local TOKEN_MAX, TRIED_MAX, CACHED_MAX = 16384, 8, 100

local function rsa(bits)
  return { kinds = { RSA = true }, way = N.NEAP_JWS_PKCS1, bits = bits }
end
local function pss(bits) return { kinds = { RSA = true }, way = N.NEAP_JWS_PSS, bits = bits } end
local function mac(bits) return { kinds = { secret = true }, bits = bits } end
local function ecdsa(curve, bits)
  return { kinds = { [curve] = true }, way = N.NEAP_JWS_ECDSA, bits = bits }
end
local EDDSA = { kinds = { Ed25519 = true }, way = N.NEAP_JWS_EDDSA, bits = 0 }

local ALGORITHMS = {
  HS256 = mac(256), HS384 = mac(384), HS512 = mac(512),
  RS256 = rsa(256), RS384 = rsa(384), RS512 = rsa(512),
  PS256 = pss(256), PS384 = pss(384), PS512 = pss(512),
  ES256 = ecdsa("P-256", 256), ES384 = ecdsa("P-384", 384), ES512 = ecdsa("P-521", 512),
  EdDSA = EDDSA, Ed25519 = EDDSA,
}

local digest = ffi.new "uint8_t[64]"

-- Keys that were read: by their text, and by the table that they came from.
local by_text, texts = {}, 0
local by_table = setmetatable({}, { __mode = "k" })

local function cached(given)
  if type(given) == "table" then
    if given.is_neap_keys then return given end
    return by_table[given]
  end
  return by_text[given]
end

local function keep(given, keys)
  if type(given) == "table" then
    by_table[given] = keys
    return
  end
  if texts >= CACHED_MAX then by_text, texts = {}, 0 end
  by_text[given], texts = keys, texts + 1
end

local function keys_of(given)
  local keys = cached(given)
  if keys then return keys end
  local list, why = jwk.read(given)
  if not list then return nil, "jwt: " .. why end
  keys = setmetatable({ is_neap_keys = true, list = list }, { __metatable = false })
  keep(given, keys)
  return keys
end

local function must_be_keys(what, given, level)
  if type(given) ~= "string" and type(given) ~= "table" then
    error(("%s must be a text or a table, not %s"):format(what, type(given)), level)
  end
end

---@param given string|table  PEM, the JSON of a JWK set, a secret; a decoded set, or one key
---@return table? keys, string? why
function jwt.keys(given)
  must_be_keys("neap.jwt.keys(keys): keys", given, 3)
  return keys_of(given)
end

-- An object of JSON that has no key twice (RFC 7515 §4, RFC 7519 §4).
local function object_of(text)
  if not text or not text:find "^%s*{" then return nil end
  if #scan.errors(text) > 0 then return nil end
  local value = json.decode(text)
  return type(value) == "table" and value or nil
end

local function is_verified_by(key, algorithm, bytes, signature)
  if not algorithm.kinds[key.kind] then return false end
  if key.kind ~= "secret" then
    return C.neap_key_verify(key.handle, algorithm.way, algorithm.bits, bytes, #bytes, signature,
      #signature) == 1
  end
  local n = C.neap_mac(algorithm.bits, key.secret, #key.secret, bytes, #bytes, digest)
  return n > 0 and n == #signature and C.neap_bytes_equal(ffi.string(digest, n), signature, n) == 1
end

-- The keys that a token may have been signed with: those of its `kid`, and those without one.
local function candidates(list, header)
  local chosen, is_named = {}, false
  for _, key in ipairs(list) do
    local is_its = header.kid ~= nil and key.kid == header.kid
    is_named = is_named or is_its or key.kid == nil
    if (header.kid == nil or is_its or key.kid == nil)
      and (key.algorithm == nil or key.algorithm == header.alg)
      and ALGORITHMS[header.alg].kinds[key.kind] and #chosen < TRIED_MAX then
      table.insert(chosen, key)
    end
  end
  if header.kid ~= nil and not is_named then
    return nil, ("jwt: there is no key '%s'"):format(tostring(header.kid):sub(1, 60))
  end
  if #chosen == 0 then return nil, ("jwt: no key is one for '%s'"):format(header.alg) end
  return chosen
end

local function read_header(text)
  local header = object_of(base64.decode_url(text))
  if not header then return nil, "jwt: its header is no JSON object" end
  if header.crit ~= nil then return nil, "jwt: it has 'crit', which is not understood" end
  if header.b64 ~= nil then return nil, "jwt: it has 'b64', which is not understood" end
  if type(header.alg) ~= "string" or not ALGORITHMS[header.alg] then
    return nil, ("jwt: its algorithm '%s' is refused"):format(tostring(header.alg):sub(1, 60))
  end
  if header.kid ~= nil and type(header.kid) ~= "string" then
    return nil, "jwt: its 'kid' is no text"
  end
  return header
end

local function is_allowed(algorithms, name)
  if not algorithms then return true end
  for _, one in ipairs(algorithms) do
    if one == name then return true end
  end
  return false
end

-- The header and the bytes of the claims of a token with a good signature.
local function verified(token, keys, algorithms)
  if type(token) ~= "string" or token == "" then return nil, "jwt: there is no token" end
  if #token > TOKEN_MAX then return nil, ("jwt: it has more than %d bytes"):format(TOKEN_MAX) end
  local head, body, last = token:match "^([%w_-]+)%.([%w_-]*)%.([%w_-]*)$"
  if not head then return nil, "jwt: it is not three texts with dots between" end
  local header, why = read_header(head)
  if not header then return nil, why end
  if not is_allowed(algorithms, header.alg) then
    return nil, ("jwt: its algorithm '%s' is not allowed"):format(header.alg)
  end
  local chosen, none = candidates(keys.list, header)
  if not chosen then return nil, none end
  local signature = base64.decode_url(last)
  local bytes = head .. "." .. body
  for _, key in ipairs(chosen) do
    if signature and is_verified_by(key, ALGORITHMS[header.alg], bytes, signature) then
      return header, body
    end
  end
  return nil, "jwt: its signature is wrong"
end

local function is_time(value)
  return value == nil or (type(value) == "number" and value == value and math.abs(value) < 2 ^ 53)
end

local function check_times(claims, now, leeway)
  for _, name in ipairs { "exp", "nbf", "iat" } do
    if not is_time(claims[name]) then return ("jwt: its '%s' is no time"):format(name) end
  end
  if claims.exp and now >= claims.exp + leeway then return "jwt: it has expired" end
  if claims.nbf and now < claims.nbf - leeway then return "jwt: it is not valid yet" end
end

local function is_among(value, wanted)
  if type(wanted) ~= "table" then return value == wanted end
  for _, one in ipairs(wanted) do
    if value == one then return true end
  end
  return false
end

local function check_parties(claims, issuer, audience)
  if issuer ~= nil and not is_among(claims.iss, issuer) then
    return "jwt: its issuer is another one"
  end
  if audience == nil then return nil end
  local named = type(claims.aud) == "table" and claims.aud or { claims.aud }
  for _, one in ipairs(named) do
    if type(one) == "string" and is_among(one, audience) then return nil end
  end
  return "jwt: it is for another audience"
end

local function check_required(claims, required)
  for _, name in ipairs(required or {}) do
    if claims[name] == nil or claims[name] == json.null then
      return ("jwt: its '%s' is missing"):format(tostring(name))
    end
  end
end

local OPTIONS = {
  keys = "string or table", algorithms = "table", issuer = "string or table",
  audience = "string or table", leeway = "number", now = "number", required = "table",
}

local function check_options(options)
  if type(options) ~= "table" then
    error(("neap.jwt.verify(token, options): options must be a table, and this is %s")
      :format(show.value(options)), 3)
  end
  local fault = naming.fault(options, OPTIONS)
  if fault then error("neap.jwt.verify: " .. fault, 3) end
  if options.keys == nil then
    error("neap.jwt.verify: keys are missing (expected keys = a secret, PEM or a JWK set)", 3)
  end
  for _, name in ipairs(options.algorithms or {}) do
    if not ALGORITHMS[name] then
      error(("neap.jwt.verify: algorithms: '%s' is none (HS256 to EdDSA; \"none\" is never taken)")
        :format(tostring(name)), 3)
    end
  end
end

---@param token string?  nil: refused
---@param options table  keys, algorithms, issuer, audience, leeway, now, required
---@return table? claims, table|string header  or why not
function jwt.verify(token, options)
  check_options(options)
  local keys, why = keys_of(options.keys)
  if not keys then return nil, why end
  local header, body = verified(token, keys, options.algorithms)
  if not header then return nil, body end
  local claims = object_of(base64.decode_url(body))
  if not claims then return nil, "jwt: its claims are no JSON object" end
  why = check_times(claims, options.now or dice.now(), options.leeway or 0)
    or check_parties(claims, options.issuer, options.audience)
    or check_required(claims, options.required)
  if why then return nil, why end
  return claims, header
end

return jwt
