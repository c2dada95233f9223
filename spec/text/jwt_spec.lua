-- Tokens: by the examples of the RFCs, with keys of all kinds, and all that must be refused.

local base64 = require "neap.text.base64"
local signer = require "support.signer"
local testing = require "neap.testing"

local NOW = 1600000000
-- That of RFC 7515 A.1 and A.3.
local PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y"
  .. "b290Ijp0cnVlfQ"
local KINDS = {
  RS256 = "RSA", RS384 = "RSA", RS512 = "RSA", PS256 = "RSA", PS384 = "RSA", PS512 = "RSA",
  ES256 = "P-256", ES384 = "P-384", ES512 = "P-521", EdDSA = "Ed25519",
}

local function head(algorithm, more)
  return ('{"alg":"%s"%s}'):format(algorithm, more or "")
end

local function hs(claims, more) return signer.token("secret", head("HS256", more), claims) end

describe("neap.jwt", function()
  local neap = testing.balancer { backends = 1, time = NOW }.neap
  local jwt = neap.jwt

  teardown(signer.finish)

  local function why(token, options)
    local claims, reason = jwt.verify(token, options)
    assert.is_nil(claims)
    return reason
  end

  it("verifies the example of RFC 7515 A.1", function()
    local token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." .. PAYLOAD
      .. ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    local key = { kty = "oct", k = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKt"
      .. "MN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" }
    local claims, header = jwt.verify(token, { keys = key, now = 1300819379 })
    assert.equal("joe", claims.iss)
    assert.equal("JWT", header.typ)
    assert.equal("jwt: it has expired", why(token, { keys = key }))
    assert.equal("joe", jwt.verify(token, { keys = key, now = 1300819380, leeway = 1 }).iss)
  end)

  it("verifies the examples of RFC 7515 A.3 and RFC 8037 A.4", function()
    local es = "eyJhbGciOiJFUzI1NiJ9." .. PAYLOAD .. ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4Gawxa"
      .. "epmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    local key = { kty = "EC", crv = "P-256", x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }
    assert.equal("joe", jwt.verify(es, { keys = { keys = { key } }, now = 1 }).iss)
    local ed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLW"
      .. "G1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    local its = { kty = "OKP", crv = "Ed25519", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }
    -- Its signature is right, its payload is no object.
    assert.equal("jwt: its claims are no JSON object", why(ed, { keys = its }))
    assert.matches("signature is wrong", why(ed, { keys = { kty = "OKP", crv = "Ed25519",
      x = base64.encode_url(("\9"):rep(32)) } }))
  end)

  for algorithm, kind in pairs(KINDS) do
    it("verifies " .. algorithm .. ", and nothing that was changed", function()
      local key = signer.key(kind)
      local token = signer.token(key, head(algorithm), '{"sub":"s"}')
      assert.equal("s", jwt.verify(token, { keys = key.public }).sub)
      local options = { keys = signer.jwk(key), algorithms = { algorithm } }
      assert.equal("s", jwt.verify(token, options).sub)
      for _, place in ipairs { 1, 25, -1, -20 } do
        local at = place > 0 and place or #token + place
        local other = token:sub(at, at) == "A" and "B" or "A"
        assert.is_nil((jwt.verify(token:sub(1, at - 1) .. other .. token:sub(at + 1),
          { keys = key.public })))
      end
      assert.matches("signature", why(token:match "^(.*%.)", { keys = key.public }))
      assert.matches("not allowed", why(token, { keys = key.public, algorithms = { "HS256" } }))
      assert.matches("no key is one for", why(token, { keys = "a secret" }))
    end)
  end

  it("refuses tokens without a signature, and a public key as a secret", function()
    local key = signer.key "RSA"
    assert.matches("'none' is refused", why(signer.token("", head "none", "{}"),
      { keys = key.public }))
    local confused = signer.token(key.public, head "HS256", "{}")
    assert.matches("no key is one for 'HS256'", why(confused, { keys = key.public }))
    assert.matches("no key is one for 'HS256'", why(confused, { keys = key.public,
      algorithms = { "HS256", "RS256" } }))
  end)

  it("chooses among keys by kid, use and alg", function()
    local rsa, ec = signer.jwk(signer.key "RSA"), signer.jwk(signer.key "P-256")
    rsa.kid, ec.kid, rsa.alg = "r", "e", "RS256"
    local keys = assert(jwt.keys(neap.json.encode { keys = { rsa, ec, { kty = "new" } } }))
    local function token(kind, algorithm, more)
      return signer.token(signer.key(kind), head(algorithm, more), '{"a":1}')
    end
    assert.equal(1, jwt.verify(token("RSA", "RS256", ',"kid":"r"'), { keys = keys }).a)
    assert.equal(1, jwt.verify(token("P-256", "ES256"), { keys = keys }).a)
    assert.matches("no key 'x'", why(token("RSA", "RS256", ',"kid":"x"'), { keys = keys }))
    assert.matches("no key is one", why(token("RSA", "PS256"), { keys = keys }))
    assert.matches("no key is one", why(token("RSA", "RS256", ',"kid":"e"'), { keys = keys }))
    ec.use = "enc"
    assert.is_nil((jwt.keys { keys = { ec } }))
  end)

  it("checks claims", function()
    local options = { keys = "secret", issuer = { "i", "j" }, audience = "a", required = { "sub" } }
    local good = '"iss":"j","aud":["b","a"],"sub":"s"'
    assert.equal("s", jwt.verify(hs("{" .. good .. "}"), options).sub)
    for claims, reason in pairs {
      ['{"iss":"k","aud":"a","sub":"s"}'] = "issuer", ['{"aud":"a","sub":"s"}'] = "issuer",
      ['{"iss":"i","aud":"b","sub":"s"}'] = "audience", ['{"iss":"i","sub":"s"}'] = "audience",
      ['{"iss":"i","aud":"a"}'] = "'sub' is missing",
      ['{"iss":"i","aud":"a","sub":null}'] = "'sub'",
      ["{" .. good .. ',"exp":1600000000}'] = "expired",
      ["{" .. good .. ',"exp":"1"}'] = "'exp' is no",
      ["{" .. good .. ',"nbf":1600000001}'] = "not valid yet",
      ["{" .. good .. ',"exp":1e999}'] = "'exp'",
      ["{" .. good .. ',"iat":{}}'] = "'iat' is no time",
      ["{" .. good .. ',"sub":"t"}'] = "no JSON object", ["[1]"] = "no JSON object",
      [good] = "no JSON object", [("["):rep(200) .. ("]"):rep(200)] = "no JSON object",
    } do
      assert.matches(reason, why(hs(claims), options), nil, claims)
    end
  end)

  it("refuses what it does not understand", function()
    for _, token in ipairs { "", ".", "..", "a.b", "a.b.c.d", "a.b.c ", ("a"):rep(20000),
      "\0.\0.\0",
      hs("{}", ',"crit":["exp"]'), hs("{}", ',"b64":false'), hs("{}", ',"alg":"HS256"'),
      hs("{}", ',"kid":1'), hs("{}") .. "=", (hs("{}"):gsub("%.", "..")) } do
      assert.matches("^jwt: ", why(token, { keys = "secret" }))
    end
    assert.equal("jwt: there is no token", why(nil, { keys = "secret" }))
  end)

  it("refuses keys that are none, or too weak", function()
    for _, keys in ipairs { "", "{}", '{"keys":[]}', "ssh-rsa AAAA", signer.key("weak").public,
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", { kty = "RSA", n = "AA" },
      { kty = "EC", crv = "P-256", x = ("A"):rep(43), y = ("A"):rep(43) }, {}, { keys = { 1 } } } do
      assert.matches("^jwt: keys: ", why(hs "{}", { keys = keys }))
    end
  end)

  it("takes noise for what it is", function()
    local roll = require("neap.testing.digest").dice(4)
    local good = hs '{"sub":"s"}'
    for _ = 1, 3000 do
      local at = 1 + math.floor(roll() * #good)
      local noise = good:sub(1, at - 1) .. string.char(math.floor(roll() * 256)) .. good:sub(at + 1)
      local claims = jwt.verify(noise, { keys = "secret" })
      if claims then assert.equal(good, noise) end
    end
  end)

  it("raises a caller's mistakes", function()
    for _, wrong in ipairs { function() jwt.verify("a.b.c") end, function() jwt.verify("", {}) end,
      function() jwt.verify("", { keys = "k", algorithms = { "none" } }) end,
      function() jwt.verify("", { keys = "k", isuer = "x" }) end, function() jwt.keys() end } do
      assert.matches("jwt_spec.lua:%d+: neap%.jwt%.", select(2, pcall(wrong)))
    end
  end)
end)
