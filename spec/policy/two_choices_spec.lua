local origin = require "support.origin"
local picks = require "support.picks"
local spread = require "support.spread"

local function slow(conn)
  conn:wait(0.4)
  return conn.name
end

local function most(counts)
  local highest = 0
  for _, n in pairs(counts) do highest = math.max(highest, n) end
  return highest
end

describe("two_choices", function()
  it("keeps the load of the busiest low", function()
    local n = spread.start(origin.several(8, { handler = slow }), "'two_choices'", { workers = 1 })
    -- Of 48 requests on 8 backends 6 is even; at random the busiest would have some 10.
    assert.is_true(most((spread.at_once(n, 48))) <= 9)
  end)

  it("sees what other workers have under way", function()
    local n = spread.start(origin.several(8, { handler = slow }), "'two_choices'")
    assert.is_true(most((spread.at_once(n, 48))) <= 11)
  end)

  it("draws by weight", function()
    local p = picks.start {
      policies = { two = "require 'neap.policy.two_choices'()" },
      pools = { web = ("backends = { %s, %s }"):format(picks.backends(1, 1, ", weight = 9"),
        picks.backends(1, 2)) },
    }
    local heavy = p:ask("two", "web", 2000).counts["127.0.0.1:1"]
    assert.is_true(heavy >= 1730 and heavy <= 1870, tostring(heavy)) -- 1800, ± 5 × 13
  end)
end)
