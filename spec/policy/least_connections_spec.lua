local origin = require "support.origin"
local spread = require "support.spread"

local function slow(conn)
  conn:wait(0.3)
  return conn.name
end

describe("least_connections", function()
  it("spreads what is under way evenly", function()
    local n = spread.start(origin.several(3, { handler = slow }), "'least_connections'",
      { workers = 1 })
    assert.same({ web1 = 4, web2 = 4, web3 = 4 }, (spread.at_once(n, 12)))
  end)

  it("spreads it by weight", function()
    local web = origin.several(2, { handler = slow })
    local n = spread.start(web, "'least_connections'", {
      workers = 1,
      backends = ("{ url = '%s', weight = 3 }, '%s'"):format(web[1].url, web[2].url),
    })
    assert.same({ web1 = 9, web2 = 3 }, (spread.at_once(n, 12)))
  end)

  it("knows what other workers have under way", function()
    local n = spread.start(origin.several(3, { handler = slow }), "'least_connections'")
    for _, count in pairs(spread.at_once(n, 24)) do -- two may choose in the same instant
      assert.is_true(count >= 5 and count <= 11, tostring(count))
    end
  end)

  it("spares who is slow", function()
    local web = { origin.start { name = "slow", handler = slow }, origin.start { name = "quick" } }
    local n = spread.start(web, "'least_connections'", { workers = 1 })
    -- the first may go to either; from then on one request waits at the slow one
    local counts = spread.at_once(n, 20, function(i) return "/" .. i end)
    assert.is_true(counts.slow <= 10, tostring(counts.slow))
  end)

  it("has one turn for all workers, by weight, as pool:least_loaded() has", function()
    local web = origin.several(3)
    for _, policy in ipairs { "'least_connections'",
      "{ pick = function(_, pool) return pool:least_loaded() end }" } do
      local n = spread.start(web, policy, {
        backends = ("{ url = '%s', weight = 2 }, '%s', '%s'"):format(web[1].url, web[2].url,
          web[3].url),
      })
      local counts = spread.one_by_one(n, 40)
      -- but for requests whose end the other worker has not counted yet
      assert.is_true(math.abs(counts.web1 - 20) <= 3, tostring(counts.web1))
      assert.is_true(math.abs(counts.web2 - 10) <= 3, tostring(counts.web2))
    end
  end)

  it("takes turns while all idle, by weight", function()
    local web = origin.several(2)
    local n = spread.start(web, "'least_connections'", {
      backends = ("{ url = '%s', weight = 3 }, '%s'"):format(web[1].url, web[2].url),
    })
    -- 27 of 36, but for requests whose end the other worker has not counted yet
    local heavy = spread.one_by_one(n, 36).web1
    assert.is_true(heavy >= 22 and heavy <= 32, tostring(heavy))
  end)
end)
