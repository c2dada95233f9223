local base = require "unit.base_probe"
local process = require "support.process"

describe("legs, over streams that a test has in its hand", function()
  it("keep what their headers promise", function()
    local code, out, err = process.run { argv = { base.program "upstream_test" }, limit = 60 }
    assert.equals("", err)
    assert.equals(0, code, out)
  end)
end)
