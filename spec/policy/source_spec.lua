local origin = require "support.origin"
local spread = require "support.spread"

local function from(i) return { ["X-Forwarded-For"] = "192.0.2." .. i } end

describe("source", function()
  it("keeps an address with its backend, over two workers", function()
    local n = spread.start(origin.several(4), "'source'")
    local counts = spread.one_by_one(n, 24)
    assert.equal(24, counts[next(counts)])
  end)

  it("spreads addresses, those that trusted proxies tell", function()
    local n = spread.start(origin.several(4), "require 'neap.policy.source' { maglev = true }", {
      more = "forwarded = { trust = { '127.0.0.1' } },",
    })
    local first, list = spread.one_by_one(n, 80, "/", from)
    for i = 1, 4 do assert.is_true((first["web" .. i] or 0) >= 5) end
    local _, again = spread.one_by_one(n, 80, "/", from)
    assert.same(list, again)
  end)
end)
