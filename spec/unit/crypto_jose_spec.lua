-- JOSE as ACME needs it, by the examples of RFC 7515 and RFC 7638.
local probe = require "support.probe"

local lib = probe.load [[
  struct str { const char *p; size_t n; };
  struct out { char *p; size_t n, cap; bool full; };
  int base64url_read(struct out *out, struct str text, void *e);
  void base64url_write(struct out *out, struct str bytes);
  int ec_key_create(void **key, void *e);
  int ec_key_read(void **key, struct str pem, void *e);
  int ec_key_write(struct out *out, void *key, void *e);
  void EVP_PKEY_free(void *key);
  int jose_jwk(struct out *out, const void *key, void *e);
  int jose_sign(struct out *out, void *key, struct str bytes, void *e);
  int jose_digest(struct out *out, struct str bytes, void *e);
  int jose_mac(struct out *out, struct str secret, struct str bytes, void *e);
  int csr_write(struct out *out, void *key, const char *name, void *e);
  int acme_certificate_write(struct out *out, const char *name, struct str authorization, void *e);
]]
local ffi = probe.ffi

local ROOM = 65536

-- What the function writes; nil when it fails.
local function written(fn, ...)
  local memory = ffi.new("char[?]", ROOM)
  local out = ffi.new("struct out", { memory, 0, ROOM, false })
  local failure = fn(out, ...)
  if failure ~= nil and failure ~= 0 then return nil end
  return ffi.string(out.p, out.n)
end

local function str(text) return ffi.new("struct str", { text, #text }) end
local function encode(bytes) return written(lib.base64url_write, str(bytes)) end
local function decode(text) return written(lib.base64url_read, str(text), nil) end

local function pem(kind, der)
  local text = require("mime").b64(der):gsub(("."):rep(64), "%0\n")
  return ("-----BEGIN %s-----\n%s\n-----END %s-----\n"):format(kind, text, kind)
end

-- The key of RFC 7515 A.3, as SEC 1 writes it.
local X = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
local Y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
local D = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"

local function example_key()
  local der = "\2\1\1\4\32" .. decode(D) .. "\160\10\6\8\42\134\72\206\61\3\1\7"
    .. "\161\68\3\66\0\4" .. decode(X) .. decode(Y)
  return pem("EC PRIVATE KEY", "\48" .. string.char(#der) .. der)
end

local function read_key(text)
  local key = ffi.new "void *[1]"
  if lib.ec_key_read(key, str(text), nil) ~= 0 then return nil end
  return ffi.gc(key[0], lib.EVP_PKEY_free)
end

local function file_with(bytes)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

-- What the program says; bytes are in the files that its line names with %1, %2, ….
local function openssl(line, ...)
  local paths = {}
  for i, bytes in ipairs { ... } do paths[i] = file_with(bytes) end
  local command = line:gsub("%%(%d)", function(i) return paths[tonumber(i)] end)
  local pipe = assert(io.popen("openssl " .. command .. " 2>&1"))
  local said = pipe:read "*a"
  pipe:close()
  for _, path in ipairs(paths) do os.remove(path) end
  return said
end

-- R and S as DER.
local function der_of(pair)
  local function number(bytes)
    bytes = bytes:gsub("^%z+", "")
    if bytes:byte() >= 128 then bytes = "\0" .. bytes end
    return "\2" .. string.char(#bytes) .. bytes
  end
  local both = number(pair:sub(1, 32)) .. number(pair:sub(33))
  return "\48" .. string.char(#both) .. both
end

describe("JOSE", function()
  it("writes and reads base64url", function()
    for _, case in ipairs { { "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" },
      { "foob", "Zm9vYg" }, { "\3\236\255\224\193", "A-z_4ME" } } do
      assert.equal(case[2], encode(case[1]))
      assert.equal(case[1], decode(case[2]))
    end
    for _, text in ipairs { "Z", "Zh", "Zm9=", "Zm+v", "Zm/v", "Z g", "Zm9v\0", "Zm9vYgA\n" } do
      assert.is_nil(decode(text))
    end
  end)

  it("takes the thumbprint of RFC 7638 §3.1", function()
    local jwk = '{"e":"AQAB","kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4'
      .. 'cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXA'
      .. 'rwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5'
      .. 'hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44'
      .. '-csFCur-kEgU8awapJzKnqDKgw"}'
    assert.equal("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
      written(lib.jose_digest, str(jwk), nil))
  end)

  it("makes the MAC of RFC 7515 A.1", function()
    local secret = decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4h"
      .. "cgUuTwjAzZr1Z9CAow")
    local input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEz"
      .. "MDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    assert.equal("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      written(lib.jose_mac, str(secret), str(input), nil))
  end)

  it("writes a key as JWK with sorted members, leading zeros kept", function()
    assert.equal(('{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}'):format(X, Y),
      written(lib.jose_jwk, read_key(example_key()), nil))
    for _ = 1, 600 do -- one in 128 has a coordinate that begins with a zero byte
      local key = ffi.new "void *[1]"
      assert.equal(0, lib.ec_key_create(key, nil))
      local x, y = written(lib.jose_jwk, ffi.gc(key[0], lib.EVP_PKEY_free), nil)
        :match '"x":"([^"]+)","y":"([^"]+)"'
      assert.equal(86, #x + #y)
    end
  end)

  it("signs by ES256 as openssl verifies", function()
    local text = example_key()
    for i = 1, 5 do
      local input = "eyJhbGciOiJFUzI1NiJ9.payload" .. i
      local pair = decode(written(lib.jose_sign, read_key(text), str(input), nil))
      assert.equal(64, #pair)
      assert.matches("Verified OK", openssl("dgst -sha256 -prverify %1 -signature %2 %3", text,
        der_of(pair), input))
    end
  end)

  it("reads the keys that it writes, and no others", function()
    local key = read_key(example_key())
    local text = written(lib.ec_key_write, key, nil)
    assert.matches("^%-%-%-%-%-BEGIN PRIVATE KEY", text)
    assert.equal(written(lib.jose_jwk, key, nil), written(lib.jose_jwk, read_key(text), nil))
    assert.is_nil(read_key "")
    assert.is_nil(read_key "garbage")
    assert.is_nil(read_key(openssl "ecparam -name secp384r1 -genkey -noout"))
    assert.is_nil(read_key(openssl "genpkey -algorithm ed25519"))
    assert.is_nil(read_key(openssl("ec -aes128 -passout pass:secret -in %1", example_key())))
  end)

  it("asks for certificates by subjectAltName only", function()
    local der = written(lib.csr_write, read_key(example_key()), "a.test", nil)
    local said = openssl("req -inform DER -in %1 -noout -text -verify", der)
    assert.matches("verify OK", said)
    assert.matches("Subject: \n", said)
    assert.matches("DNS:a%.test\n", said)
  end)

  it("makes the certificate of tls-alpn-01 (RFC 8737 §3)", function()
    local text = written(lib.acme_certificate_write, "a.test", str "token.thumbprint", nil)
    local said = openssl("x509 -in %1 -noout -text", text)
    assert.matches("DNS:a%.test\n", said)
    assert.matches("1%.3%.6%.1%.5%.5%.7%.1%.31: critical", said)
    local digest = openssl("dgst -sha256 %1", "token.thumbprint"):match "(%x+)%s*$"
    local der = openssl("asn1parse -in %1", text)
    assert.is_truthy(der:find("0420" .. digest:upper(), 1, true))
    assert.is_truthy(read_key(text))
  end)
end)
