local base = require "unit.base_probe"
local process = require "support.process"

describe("views and lists", function()
  it("keep what their header promises", function()
    local code, out, err = process.run { argv = { base.program "base_test" } }
    assert.equals("", err)
    assert.equals(0, code, out)
  end)
end)
