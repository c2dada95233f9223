local eventually = require "support.eventually"

describe("eventually", function()
  it("waits for a true value, or for asserts to hold", function()
    local count = 0
    assert.equals(3, eventually(function()
      count = count + 1
      return count == 3 and count
    end))
    eventually(function()
      count = count + 1
      assert.equals(6, count)
    end)
  end)

  it("raises with the last error after the limit", function()
    local ok, err = pcall(eventually.within, 0.01, function() error "why" end, "thing")
    assert.is_false(ok)
    assert.matches("thing: not within .*why", err)
    assert.has_error(function() eventually.always(function() return false end) end)
  end)
end)
