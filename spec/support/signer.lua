-- Tokens for specs, signed by the openssl command (and HMAC, which the kit has).

local base64 = require "neap.text.base64"
local scope = require "support.scope"
local sha256 = require "neap.testing.sha256"

local signer = {}

local MAKE = {
  RSA = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
  weak = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024",
  ["P-256"] = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
  ["P-384"] = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
  ["P-521"] = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
  Ed25519 = "genpkey -algorithm ED25519",
}
local HALF = { ["P-256"] = 32, ["P-384"] = 48, ["P-521"] = 66 }

local folder

local function run(command)
  local pipe = io.popen("openssl " .. command .. " 2>/dev/null")
  local text = pipe:read "*a"
  pipe:close()
  return text
end

local keys = {}

-- A new key of that kind, once a file of specs: { kind =, path =, public = PEM }.
function signer.key(kind)
  if keys[kind] then return keys[kind] end
  if not folder then
    folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir -p " .. folder)
  end
  local path = ("%s/%s.pem"):format(folder, kind)
  scope.write(path, run(MAKE[kind]))
  keys[kind] = { kind = kind, path = path, public = run("pkey -pubout -in " .. path) }
  return keys[kind]
end

-- What a JWK of it says of its numbers, from the end of its DER.
function signer.jwk(key)
  local der = base64.decode((key.public:gsub("%-%-%-%-%-[^\n]*\n", ""):gsub("\n", "")))
  local half = HALF[key.kind]
  if half then
    return { kty = "EC", crv = key.kind, x = base64.encode_url(der:sub(-2 * half, -half - 1)),
      y = base64.encode_url(der:sub(-half)) }
  end
  if key.kind == "Ed25519" then
    return { kty = "OKP", crv = key.kind, x = base64.encode_url(der:sub(-32)) }
  end
  -- The last five bytes are the exponent.
  return { kty = "RSA", e = "AQAB", n = base64.encode_url(der:sub(-261, -6)) }
end

-- From DER to R and S in a row.
local function pair_of(der, half)
  local at = der:byte(2) > 127 and 4 or 3
  local parts = {}
  for i = 1, 2 do
    local n = der:byte(at + 1)
    local number = der:sub(at + 2, at + 1 + n):gsub("^%z+", "")
    parts[i] = ("\0"):rep(half - #number) .. number
    at = at + 2 + n
  end
  return parts[1] .. parts[2]
end

local PSS = " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"

local function signature(key, algorithm, bytes)
  if type(key) == "string" then
    local digits = sha256.hmac(key, bytes)
    return (digits:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
  end
  local path = folder .. "/bytes"
  scope.write(path, bytes)
  if key.kind == "Ed25519" then
    return run(("pkeyutl -sign -rawin -inkey %s -in %s"):format(key.path, path))
  end
  local made = run(("dgst -sha%s%s -sign %s %s"):format(algorithm:sub(3),
    algorithm:find "^PS" and PSS or "", key.path, path))
  return HALF[key.kind] and pair_of(made, HALF[key.kind]) or made
end

---@param key table|string  of signer.key, or a secret (HS256)
---@param header string  JSON
---@param claims string  JSON
---@return string
function signer.token(key, header, claims)
  local bytes = base64.encode_url(header) .. "." .. base64.encode_url(claims)
  local algorithm = header:match '"alg":"(%w+)"'
  return bytes .. "." .. base64.encode_url(signature(key, algorithm or "", bytes))
end

function signer.finish()
  if folder then os.execute("rm -r " .. folder) end
  folder, keys = nil, {}
end

return signer
