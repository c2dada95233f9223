-- What is not ASCII in the lines of the access log in JSON.
local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local proxied = require "support.proxied"
local scope = require "support.scope"

-- The member of the line for a request with this header.
local function written(value)
  local n = proxied.before({ origin.start {} },
    'access_log = { target = "access.log", format = "json" }')
  client.get(n.address, "/", { ["User-Agent"] = value })
  return eventually(function()
    return scope.read(n.dir .. "/access.log"):match '"user_agent":("[^"]*")'
  end)
end

describe("the access log, JSON", function()
  it("has UTF-8 as it is", function()
    local text = "\194\160\223\191\226\130\172\240\159\166\138"
    assert.equal('"' .. text .. '"', written(text))
  end)

  it("has each byte of what is no UTF-8 as the character of that number", function()
    assert.equal([["\u00ff\u00c3\u00a4\u00c3"]], written "\255\195\164\195")
    assert.equal([["\u00c0\u00af\u00ed\u00a0\u0080"]], written "\192\175\237\160\128")
  end)

  it("has no control character that a terminal would obey", function()
    assert.equal([["a\u00c2\u009bm"]], written "a\194\155m")
  end)
end)
