local base = require "unit.base_probe"
local process = require "support.process"

describe("exchanges, with a client that records and a leg over memory", function()
  it("keep what their headers promise", function()
    local code, out, err = process.run { argv = { base.program "exchange_test" }, limit = 60 }
    assert.equals("", err)
    assert.equals(0, code, out)
  end)
end)
