local json = require "neap.sim.json"

local function written(value)
  local parts = {}
  json.value(value, function(text) table.insert(parts, text) end)
  return table.concat(parts)
end

describe("neap sim's JSON", function()
  it("holds any text", function()
    assert.equal('"\\u0000A\\u007f\\n\\""\n', written "\0A\127\n\"")
    assert.equal('"é\239\191\189"\n', written "é\255")
  end)
end)
