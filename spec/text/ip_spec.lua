-- Addresses and sets of networks.

local ip = require "neap.text.ip"
local digest = require "neap.testing.digest"

local function raised(fn) return select(2, pcall(fn)) end

local PARSED = {
  ["192.0.2.1"] = "192.0.2.1", ["::"] = "::", ["::1"] = "::1", ["1::"] = "1::",
  ["2001:DB8:0:0:1:0:0:1"] = "2001:db8::1:0:0:1", ["1:2:3:4:5:6:7::"] = "1:2:3:4:5:6:7:0",
  ["1:0:3:4:5:6:7:8"] = "1:0:3:4:5:6:7:8", ["0:0:1::"] = "0:0:1::",
  ["1:2:3:4:5:6:1.2.3.4"] = "1:2:3:4:5:6:102:304", ["64:ff9b::192.0.2.33"] = "64:ff9b::c000:221",
}
local BAD = { "", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.4 ", " 1.2.3.4",
  "1..2.3",
  ":", ":::", "1:", ":1", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
  "::1:2:3:4:5:6:7:8", "fe80::1%eth0", "[::1]", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:1",
  "1.2.3.4:80", ("1"):rep(100), "localhost" }

local roll = digest.dice(3)
local function below(n) return math.floor(roll() * n) end

local function v4() return ("10.%d.%d.%d"):format(below(4), below(256), below(256)) end
local function v6() return ("2001:db8:%x:%x::%x"):format(below(4), below(65536), below(65536)) end

describe("neap.ip", function()
  it("reads addresses and writes them in one form", function()
    for text, canonical in pairs(PARSED) do
      local got, family = ip.parse(text)
      assert.equal(canonical, got)
      assert.equal(canonical:find(":", 1, true) and 6 or 4, family)
    end
    assert.same({ "192.0.2.1", 4 }, { ip.parse "::ffff:192.0.2.1" })
    assert.same({ "192.0.2.1", 4 }, { ip.parse "::FFFF:c000:201" })
  end)

  it("refuses what is none", function()
    for _, text in ipairs(BAD) do
      local got, why = ip.parse(text)
      assert.is_nil(got, text)
      assert.matches("not an IP address", why)
    end
  end)

  it("gives the network of an address", function()
    assert.equal("192.0.2.7", ip.prefix "192.0.2.7")
    assert.equal("192.0.2.0/24", ip.prefix("192.0.2.7", 24))
    assert.equal("2001:db8:1:2::/64", ip.prefix "2001:db8:1:2:3:4:5:6")
    assert.equal("2001:db8:8000::/33", ip.prefix("2001:db8:ffff::1", 32, 33))
    assert.equal("::/0", ip.prefix("2001:db8::1", 32, 0))
    assert.equal("2001:db8::1", ip.prefix("2001:db8::1", 32, 128))
    assert.equal("10.0.0.0/8", ip.prefix("::ffff:10.1.2.3", 8))
    assert.is_nil((ip.prefix "nobody"))
    assert.matches("ip_spec.lua:%d+: .*bits4", raised(function() ip.prefix("::1", 33) end))
  end)

  it("knows which networks an address is in", function()
    local set = assert(ip.set { "10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "172.16.1.2/12",
      "2001:db8::/32", "::ffff:198.51.100.0/120", "fe80::1" })
    for text, expected in pairs { ["10.0.0.0"] = true, ["10.255.255.255"] = true,
      ["11.0.0.0"] = false, ["9.255.255.255"] = false, ["192.0.2.7"] = true, ["192.0.2.8"] = false,
      ["172.31.255.255"] = true, ["172.32.0.0"] = false, ["2001:db8:ffff:ffff::1"] = true,
      ["2001:db9::"] = false, ["198.51.100.9"] = true, ["::ffff:10.1.1.1"] = true,
      ["fe80::1"] = true, ["fe80::2"] = false, ["::10.1.1.1"] = false, [""] = false,
      ["10"] = false } do
      assert.equal(expected, set:has(text), text)
    end
    assert.is_false(assert(ip.set {}):has "192.0.2.1")
    assert.is_false(assert(ip.set { "::/0" }):has "192.0.2.1")
    assert.is_true(assert(ip.set { "0.0.0.0/0" }):has "192.0.2.1")
  end)

  it("says which entry is bad", function()
    for text, what in pairs { ["10.0.0.0/33"] = "prefix", ["::/129"] = "prefix",
      ["x"] = "not an IP",
      ["10.0.0.0/"] = "prefix", ["10.0.0.0/-1"] = "prefix", ["10.0.0.0/8/8"] = "prefix",
      ["::ffff:10.0.0.0/95"] = "prefix", ["10.0.0.0/8 "] = "prefix" } do
      local set, why = ip.set { "192.0.2.1", text }
      assert.is_nil(set)
      assert.matches("^neap.ip.set: entry 2: '.*" .. what, why)
    end
    assert.matches("entry 1: a number", select(2, ip.set { 5 }))
    assert.matches("ip_spec.lua:%d+: .*expected a list", raised(function() ip.set "10.0.0.0/8" end))
  end)

  it("finds in large sets what a search through all of them finds", function()
    local entries = {}
    for i = 1, 3000 do
      entries[i] = i % 2 == 0 and v4() .. "/" .. 20 + below(13) or v6() .. "/" .. 40 + below(89)
    end
    local set, one_by_one = assert(ip.set(entries)), {}
    for i, entry in ipairs(entries) do one_by_one[i] = assert(ip.set { entry }) end
    for _ = 1, 300 do
      local text, found = below(2) == 0 and v4() or v6(), false
      for _, one in ipairs(one_by_one) do found = found or one:has(text) end
      assert.equal(found, set:has(text), text)
    end
  end)
end)
