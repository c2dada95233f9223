local base = require "unit.base_probe"
local process = require "support.process"

describe("a store in shared memory", function()
  it("is whole whenever a process that writes to it is killed", function()
    local code, out, err = process.run { argv = { base.program "store_test" }, limit = 120 }
    assert.equals("", err)
    assert.equals(0, code, out)
  end)
end)
