local origin = require "support.origin"
local spread = require "support.spread"

describe("random", function()
  it("spreads requests within the bounds of chance, over two workers", function()
    local n = spread.start(origin.several(4), "'random'")
    local chi2 = 0
    local counts = spread.one_by_one(n, 400)
    for i = 1, 4 do chi2 = chi2 + ((counts["web" .. i] or 0) - 100) ^ 2 / 100 end
    assert.is_true(chi2 < 27.9, ("chi² = %.1f"):format(chi2)) -- 3 degrees: p < 4e-6
  end)

  it("is not the same sequence in each worker, nor after a restart", function()
    local web = origin.several(4)
    local _, first = spread.one_by_one(spread.start(web, "'random'"), 40)
    local _, second = spread.one_by_one(spread.start(web, "'random'"), 40)
    assert.are_not.same(first, second)
  end)

  it("draws by weight", function()
    local web = origin.several(2)
    local n = spread.start(web, "'random'", {
      backends = ("{ url = '%s', weight = 3 }, '%s'"):format(web[1].url, web[2].url),
    })
    local heavy = spread.one_by_one(n, 400).web1
    assert.is_true(heavy >= 255 and heavy <= 345, tostring(heavy)) -- 300, ± 5 × 8.7
  end)
end)
