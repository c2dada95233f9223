-- Digests, random bytes, and tokens in the balancer itself.

local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"
local signer = require "support.signer"
local testing = require "neap.testing"

-- Of "abc", as FIPS 180-4 has them.
local ABC = {
  sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d",
  sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  sha384 = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc23"
    .. "58baeca134c825a7",
  sha512 = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a8"
    .. "36ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
}
-- Of RFC 4231 §4.3: key "Jefe".
local TEXT = "what do ya want for nothing?"
local MACS = {
  sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  sha384 = "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c7"
    .. "8b3239ecfab21649",
  sha512 = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a"
    .. "6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
}

describe("neap.crypto", function()
  local crypto = testing.balancer { backends = 1 }.neap.crypto

  teardown(signer.finish)

  it("makes digests", function()
    for name, expected in pairs(ABC) do assert.equal(expected, crypto[name] "abc") end
    assert.equal(32, #crypto.sha256("", "raw"))
    assert.equal("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", crypto.sha256("abc", "base64"))
    assert.equal("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0", crypto.sha256("abc", "base64url"))
  end)

  it("makes HMACs", function()
    for name, expected in pairs(MACS) do
      assert.equal(expected, crypto.hmac(name, "Jefe", TEXT))
    end
    assert.equal(20, #crypto.hmac("sha1", "k", "t", "raw"))
  end)

  it("compares, and gives bytes of the balancer's own dice", function()
    assert.is_true(crypto.equal("abc", "abc"))
    assert.is_true(crypto.equal("", ""))
    assert.is_false(crypto.equal("abc", "abd"))
    assert.is_false(crypto.equal("abc", "ab"))
    local function bytes(seed)
      return testing.balancer { backends = 1, seed = seed }.neap.crypto.random(16)
    end
    assert.equal(16, #bytes(1))
    assert.equal(bytes(1), bytes(1))
    assert.not_equal(bytes(1), bytes(2))
  end)

  it("raises a caller's mistakes", function()
    for _, wrong in ipairs { function() crypto.sha256(1) end, function() crypto.sha1("", "hx") end,
      function() crypto.hmac("md5", "", "") end, function() crypto.random(0) end,
      function() crypto.random(257) end, function() crypto.equal("a") end } do
      assert.matches("crypto_spec.lua:%d+: neap%.crypto", select(2, pcall(wrong)))
    end
  end)

  it("and neap.jwt do the same in a worker", function()
    local key = signer.key "P-256"
    local n = neap.start {
      config = neap.config({ origin.start() }, 'policy = "policy.lua", health = { type = "none" }'),
      files = { ["key.lua"] = "return [[" .. key.public .. "]]", ["policy.lua"] = [[
        local neap = require "neap"
        local keys = assert(neap.jwt.keys(require "key"))
        return { request = function(r)
          local token = (r:header "authorization" or ""):match "^Bearer (.+)$"
          local claims, why = neap.jwt.verify(token, { keys = keys, audience = "api" })
          if not claims then return neap.reply { status = 401, body = why } end
          local c = neap.crypto
          return neap.reply { body = table.concat({ claims.sub, c.sha1 "abc", c.sha512 "abc",
            c.hmac("sha384", "Jefe", "what do ya want for nothing?"), #c.random(9),
            tostring(c.equal("a", "a")), tostring(c.equal("a", "b")) }, " ") }
        end }]] },
    }
    local function ask(authorization)
      return client.request(n.address, "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: "
        .. authorization .. "\r\n\r\n")
    end
    local token = signer.token(key, '{"alg":"ES256"}', '{"sub":"me","aud":"api","exp":9999999999}')
    assert.equal(table.concat({ "me", ABC.sha1, ABC.sha512, MACS.sha384, 9, "true", "false" }, " "),
      ask("Bearer " .. token).body)
    local answer = ask("Bearer " .. token:sub(1, -9))
    assert.equal(401, answer.status)
    assert.equal("jwt: its signature is wrong", answer.body)
    assert.equal("jwt: there is no token", ask("Basic x").body)
    local old = signer.token(key, '{"alg":"ES256"}', '{"sub":"me","aud":"api","exp":1000000000}')
    assert.equal("jwt: it has expired", ask("Bearer " .. old).body)
  end)
end)
