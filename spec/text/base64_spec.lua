-- Base64 in both alphabets.

local base64 = require "neap.text.base64"
local digest = require "neap.testing.digest"

local function raised(fn) return select(2, pcall(fn)) end

-- RFC 4648 §10.
local VECTORS = { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==",
  fooba = "Zm9vYmE=", foobar = "Zm9vYmFy" }

local roll = digest.dice(8)

local function bytes(n)
  local parts = {}
  for i = 1, n do parts[i] = string.char(math.floor(roll() * 256)) end
  return table.concat(parts)
end

describe("neap.base64", function()
  it("writes and reads the examples of RFC 4648", function()
    for plain, text in pairs(VECTORS) do
      assert.equal(text, base64.encode(plain))
      assert.equal(plain, base64.decode(text))
      local bare = text:gsub("=", "")
      assert.equal(bare, base64.encode_url(plain))
      assert.equal(plain, base64.decode_url(bare))
    end
    assert.equal("+/+/", base64.encode "\251\255\191")
    assert.equal("-_-_", base64.encode_url "\251\255\191")
  end)

  it("is whole for all lengths and bytes", function()
    for n = 0, 400 do
      local plain = bytes(n)
      assert.equal(require("mime").b64(plain) or "", base64.encode(plain))
      assert.equal(plain, base64.decode(base64.encode(plain)))
      assert.equal(plain, base64.decode_url(base64.encode_url(plain)))
    end
    local large = bytes(1000):rep(300)
    assert.equal(large, base64.decode(base64.encode(large)))
  end)

  it("refuses what is not the one text for its bytes", function()
    for _, text in ipairs { "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm9v=", "Zg==Zg==",
      "Zm=v", "Zm9v\n", " Zm9", "Zm9-", "Zm9\0", "Zm9\255" } do
      local got, why = base64.decode(text)
      assert.is_nil(got, text)
      assert.matches("^base64: it", why)
    end
    for _, text in ipairs { "Z", "Zg==", "Zh", "Zm9+", "Zm9v/", "Zm9vY" } do
      assert.is_nil((base64.decode_url(text)), text)
    end
    assert.equal("base64: its character 3 is none", select(2, base64.decode "Zm*v"))
  end)

  it("raises what is no text", function()
    assert.matches("base64_spec.lua:%d+: .*a string", raised(function() base64.encode(1) end))
    assert.matches("base64_spec.lua:%d+: .*a string", raised(function() base64.decode_url() end))
  end)
end)
