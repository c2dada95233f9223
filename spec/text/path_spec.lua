-- The normalised path: what rules see, and that nothing gets past them.

local path = require "neap.text.path"
local digest = require "neap.testing.digest"

local SAME = {
  ["/"] = "/", ["/a/b"] = "/a/b", ["/%61dmin"] = "/admin", ["//admin"] = "/admin",
  ["/x/../admin"] = "/admin", ["/admin/."] = "/admin/", ["/%2e%2E/admin"] = "/admin",
  ["/a/b/.."] = "/a/", ["/.."] = "/", ["/a/./b/"] = "/a/b/", ["/..."] = "/...",
  ["/.a/..b/"] = "/.a/..b/", ["/a///b///"] = "/a/b/", ["/%7Euser/%40me"] = "/~user/@me",
  ["/a%2fb"] = "/a%2Fb", ["/caf%c3%a9"] = "/caf%C3%A9", ["/caf\195\169"] = "/caf%C3%A9",
  ["/a b"] = "/a%20b", ["/a%3fb"] = "/a%3Fb", ["/100%25"] = "/100%25", ["/a%2520b"] = "/a%2520b",
  ["/a;x=1"] = "/a;x=1", ["/a%3Bx"] = "/a%3Bx", ["/%09"] = "/%09",
}

local REFUSED = {
  "", "*", "admin", "/%", "/%4", "/a%zz", "/%00", "/a\0", "/%2561dmin", "/a\\b", "/a%5Cb",
  "/a?b", "/a#b", "/a//../b", "/a%2Fb/..", "/x%2F..%2Fadmin",
  "/..%2fadmin", "/a%2f..", "/x/..;/admin", "/;/admin",
  "/.;a/b", "/%2e%2e;x", "/" .. ("a"):rep(16384),
}

-- RFC 3986 §5.4: references that are paths, merged with the base's "/b/c/".
local RESOLVED = {
  ["g"] = "/b/c/g", ["./g"] = "/b/c/g", ["g/"] = "/b/c/g/", ["."] = "/b/c/", ["./"] = "/b/c/",
  [".."] = "/b/", ["../"] = "/b/", ["../g"] = "/b/g", ["../.."] = "/", ["../../"] = "/",
  ["../../g"] = "/g", ["../../../g"] = "/g", ["../../../../g"] = "/g", ["g."] = "/b/c/g.",
  [".g"] = "/b/c/.g", ["g.."] = "/b/c/g..", ["..g"] = "/b/c/..g", ["./../g"] = "/b/g",
  ["./g/."] = "/b/c/g/", ["g/./h"] = "/b/c/g/h", ["g/../h"] = "/b/c/h",
  ["g;x=1/./y"] = "/b/c/g;x=1/y", ["g;x=1/../y"] = "/b/c/y",
}

-- Servers, as they are known to read paths: each gives the file that it would open.

local function decoded(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function without_dots(text)
  local parts = {}
  for part in text:gmatch "/([^/]*)" do
    if part == ".." then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return "/" .. table.concat(parts, "/")
end

local function merged(text)
  local whole = text:gsub("/+", "/")
  return #whole > 1 and whole:gsub("/$", "") or whole
end

local SERVERS = {
  ["decodes, merges slashes, takes dots out"] = function(text)
    return without_dots(merged(decoded(text)))
  end,
  ["decodes, takes dots out, merges slashes"] = function(text)
    return merged(without_dots(decoded(text)))
  end,
  ["takes a backslash for a slash"] = function(text)
    return without_dots(merged((decoded(text):gsub("\\", "/"))))
  end,
  ["keeps escaped slashes"] = function(text)
    return without_dots(merged(decoded((text:gsub("%%2[fF]", "%%252F")))))
  end,
  ["takes parameters out first"] = function(text)
    return without_dots(merged(decoded((text:gsub(";[^/]*", "")))))
  end,
  ["decodes unreserved bytes twice"] = function(text)
    return without_dots(merged(decoded((text:gsub("%%25(%x%x)", function(digits)
      local byte = string.char(tonumber(digits, 16))
      return byte:find "[%w._~-]" and byte or nil
    end)))))
  end,
}

local PIECES = { "/", "/", "/", ".", ".", "..", "a", "admin", "%2e", "%2E%2e", "%2f", "%2F", "%5c",
  "\\", ";", "%3b", ";x=1", "%61", "%25", "%2561", "%00", "%", "%zz", "~", "%7e", "\195\169", " ",
  "%20", "@", "%40", "?", "//", "/./", "/../", "%252f", "%09", "=", "+", "\127" }

local roll = digest.dice(11)

local function hostile()
  local parts = { "/" }
  for i = 2, 2 + math.floor(roll() * 9) do
    parts[i] = PIECES[1 + math.floor(roll() * #PIECES)]
  end
  return table.concat(parts)
end

describe("neap.url.path", function()
  it("gives one text for the forms of a path", function()
    for given, expected in pairs(SAME) do assert.equal(expected, (path.normalise(given)), given) end
  end)

  it("refuses what servers take differently, and says why", function()
    for _, given in ipairs(REFUSED) do
      local normal, why = path.normalise(given)
      assert.is_nil(normal, given)
      assert.matches("^path: ", why)
    end
  end)

  it("takes dots out as RFC 3986 §5.4 does", function()
    for reference, expected in pairs(RESOLVED) do
      assert.equal(expected, (path.normalise("/b/c/" .. reference)), reference)
    end
  end)

  it("of hostile paths is one that each server takes for the same", function()
    local taken = 0
    for _ = 1, 40000 do
      local given = hostile()
      local normal = path.normalise(given)
      if normal then
        taken = taken + 1
        assert.equal(normal, (path.normalise(normal)), given)
        assert.is_nil(normal:find("//", 1, true), given)
        assert.is_nil((normal .. "/"):find("/%.%.?/"), given)
        assert.is_nil(normal:find "[^%w%%/._~!$&'()*+,;=:@-]", given)
        for name, open in pairs(SERVERS) do
          assert.equal(open(given), open(normal), name .. ": " .. given)
        end
      end
    end
    assert.is_true(taken > 5000)
  end)

  it("raises what is no path", function()
    local why = select(2, pcall(function() path.normalise(5) end))
    assert.matches("path_spec.lua:%d+: .*must be a string", why)
  end)
end)

describe("neap.url.is_within", function()
  it("knows the path and all below it", function()
    for text, expected in pairs { ["/admin"] = true, ["/admin/"] = true, ["/admin/x"] = true,
      ["/administrator"] = false, ["/"] = false, ["/x/admin"] = false } do
      assert.equal(expected, path.is_within(text, "/admin"), text)
      assert.equal(expected, path.is_within(text, "/admin/"), text)
    end
    assert.is_true(path.is_within("/anything", "/"))
  end)
end)
