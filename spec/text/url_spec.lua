-- Percent-encoding, query arguments, URLs.

local url = require "neap.text.url"
local digest = require "neap.testing.digest"

local function raised(fn) return select(2, pcall(fn)) end

local roll = digest.dice(5)

local function bytes(n)
  local parts = {}
  for i = 1, n do parts[i] = string.char(math.floor(roll() * 256)) end
  return table.concat(parts)
end

describe("neap.url", function()
  it("encodes all but what is unreserved, and decodes it again", function()
    assert.equal("a%20b%2Fc%3F-._~%C3%BC%00", url.encode "a b/c?-._~ü\0")
    for n = 0, 300 do
      local text = bytes(n)
      assert.equal(text, (url.decode(url.encode(text))))
    end
    assert.equal("\175/A+", (url.decode "%aF%2f%41+"))
  end)

  it("refuses an escape that is none", function()
    for text, place in pairs { ["%"] = 1, ["a%4"] = 2, ["%zz"] = 1, ["ab%4g"] = 3, ["%%41"] = 1 } do
      local decoded, why = url.decode(text)
      assert.is_nil(decoded)
      assert.matches("url: '.*' at " .. place .. " is no escape", why)
    end
  end)

  it("reads the arguments of a query", function()
    local first, list = url.args "a=1&b=x+y%20z&a=2&c&&=v&d=%zz&e=1=2"
    assert.same({ a = "1", b = "x y z", c = "", [""] = "v", d = "%zz", e = "1=2" }, first)
    assert.same({ { "a", "1" }, { "b", "x y z" }, { "a", "2" }, { "c", "" }, { "", "v" },
      { "d", "%zz" }, { "e", "1=2" } }, list)
    assert.same({ {}, {} }, { url.args(nil) })
    assert.same({ {}, {} }, { url.args "" })
  end)

  it("does not hide arguments behind many others", function()
    local query = ("x=1&"):rep(100)
    assert.equal(100, #select(2, url.args(query)))
    local first, why = url.args(query .. "evil=1")
    assert.is_nil(first)
    assert.equal("url: more than 100 arguments", why)
    assert.equal("1", url.args(query .. "evil=1", 101).evil)
  end)

  it("writes queries and URLs", function()
    assert.equal("a=x%20y&b=1&b=2&c=true", url.query { b = { 1, 2 }, a = "x y", c = true })
    assert.equal("z=1&a=%26", url.query { { "z", 1 }, { "a", "&" } })
    assert.equal("/x?q=%C3%BC", url.build { path = "/x", query = { q = "ü" } })
    assert.equal("https://[::1]:8443/", url.build { scheme = "https", host = "::1", port = 8443 })
    assert.equal("http://h/?raw", url.build { host = "h", query = "raw" })
  end)

  it("raises a caller's mistakes, with the caller's line", function()
    for _, wrong in ipairs {
      function() url.decode(1) end, function() url.encode() end, function() url.args(1) end,
      function() url.args("a", 0) end, function() url.query "a" end,
      function() url.build { hots = "x" } end, function() url.build { host = "a/b" } end,
      function() url.build { path = "x" } end, function() url.build { path = "/a b" } end,
      function() url.build { scheme = "9" } end,
    } do
      assert.matches("^spec/text/url_spec.lua:%d+: neap%.url%.", raised(wrong))
    end
  end)
end)
