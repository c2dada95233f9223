local base = require "unit.base_probe"
local process = require "support.process"

describe("HTTP/2 in memory: fields, sessions and floods", function()
  it("keeps what its headers promise", function()
    local code, out, err = process.run { argv = { base.program "http_test" }, limit = 60 }
    assert.equals("", err)
    assert.equals(0, code, out)
  end)
end)
