-- What the kit cannot do itself, because C does it: in the binary (neap sim, neap replay) it is
-- there; in plain LuaJIT it is in the library that $NEAP_PROBE names. SHA-256 the kit can do.

local bit = require "bit"
local ffi = require "neap.ffi"
local native = require "neap.native"
local sha256 = require "neap.testing.sha256"

local outside = {}

-- The functions of abi_*.h, and those of lower rooms that they are.
local NAMES = {
  neap_digest = "digests_make", neap_mac = "digests_mac",
  neap_key_rsa = "public_key_rsa", neap_key_ec = "public_key_ec",
  neap_key_ed25519 = "public_key_ed25519", neap_key_pem = "public_key_pem",
  neap_key_kind = "public_key_kind", neap_key_free = "EVP_PKEY_free",
  neap_key_verify = "jws_verify",
  neap_regex_create = "regex_create", neap_regex_destroy = "regex_destroy",
  neap_regex_groups = "regex_groups", neap_regex_name = "regex_name",
  neap_regex_match = "regex_match",
  neap_datagram_key = "datagram_key_read",
}

local DECLARATIONS = [[
uint32_t digests_make(uint32_t bits, const char *bytes, size_t n, uint8_t *to);
uint32_t digests_mac(uint32_t bits, const char *key, size_t key_n, const char *bytes, size_t n,
  uint8_t *to);
neap_key *public_key_rsa(const char *modulus, size_t modulus_n, const char *exponent,
  size_t exponent_n);
neap_key *public_key_ec(uint32_t curve, const char *x, size_t x_n, const char *y, size_t y_n);
neap_key *public_key_ed25519(const char *x, size_t n);
neap_key *public_key_pem(const char *text, size_t n);
uint32_t public_key_kind(const neap_key *key);
void EVP_PKEY_free(neap_key *key);
bool jws_verify(neap_key *key, uint32_t way, uint32_t bits, const char *bytes, size_t n,
  const char *signature, size_t signature_n);
neap_regex *regex_create(const char *pattern, size_t n, uint32_t flags, char *why);
void regex_destroy(neap_regex *r);
uint32_t regex_groups(const neap_regex *r);
uint32_t regex_name(const neap_regex *r, uint32_t at, const char **name);
int32_t regex_match(neap_regex *r, const char *text, size_t n, size_t start, uint32_t how,
  const size_t **places);
uint32_t datagram_key_read(uint32_t kind, uint32_t length, const char *bytes, size_t n, char *to);
]]

local library

local function load()
  local path = os.getenv "NEAP_PROBE"
  if not path then
    error("regexes, public keys, neap.key, and digests but SHA-256 need C, which plain LuaJIT has "
      .. "not: set NEAP_PROBE to neap's libneap_probe.so (./dev build makes it), or try the "
      .. "policy with neap sim, neap replay or neap -t", 0)
  end
  pcall(ffi.cdef, DECLARATIONS) -- a test runner may load this more than once
  return ffi.load(path)
end

local function from_library(name)
  return function(...)
    library = library or load()
    local value = library[name](...)
    if type(value) == "boolean" then return value and 1 or 0 end
    return value
  end
end

local function text_of(text, n) return type(text) == "string" and text or ffi.string(text, n) end

-- SHA-256 without any library, since most policies need no other.
local function add_sha256(C)
  local any_digest, any_mac = C.neap_digest, C.neap_mac
  function C.neap_digest(bits, bytes, n, to)
    if bits ~= 256 then return any_digest(bits, bytes, n, to) end
    ffi.copy(to, sha256.digest(text_of(bytes, n)), 32)
    return 32
  end
  function C.neap_mac(bits, key, key_n, bytes, n, to)
    if bits ~= 256 then return any_mac(bits, key, key_n, bytes, n, to) end
    local digits = sha256.hmac(text_of(key, key_n), text_of(bytes, n))
    for i = 0, 31 do to[i] = tonumber(digits:sub(2 * i + 1, 2 * i + 2), 16) end
    return 32
  end
end

local function is_equal(a, b, n)
  a, b = text_of(a, n), text_of(b, n)
  local differing = 0
  for i = 1, n do differing = bit.bor(differing, bit.bxor(a:byte(i), b:byte(i))) end
  return differing == 0 and 1 or 0
end

---@param random fun(): number  the balancer's dice: its random bytes are the same for one seed
---@return table<string, function>
function outside.functions(random)
  local C = {}
  for name, inner in pairs(NAMES) do
    C[name] = native.is_plain and from_library(inner) or ffi.C[name]
  end
  if native.is_plain then add_sha256(C) end
  C.neap_bytes_equal = is_equal
  function C.neap_random_bytes(to, n)
    for i = 0, n - 1 do to[i] = math.floor(random() * 256) end
    return 1
  end
  return C
end

return outside
