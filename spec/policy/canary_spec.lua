local origin = require "support.origin"
local picks = require "support.picks"
local spread = require "support.spread"

local function share(found) return (found.counts["127.0.0.1:3"] or 0) / 2000 end

describe("canary", function()
  it("gives the next release its share, the same keys in as it grows", function()
    local policy = "require 'neap.policy.canary' { share = %s }"
    local sticky = "require 'neap.policy.canary' { share = %s, key = keys }"
    local p = picks.start {
      policies = {
        dice = policy:format "0.2", none = policy:format "0", all = policy:format "1",
        small = sticky:format "0.1", large = sticky:format "0.3",
      },
      pools = { web = ("backends = { %s, %s }"):format(picks.backends(2),
        picks.backends(1, 3, ", tags = { 'canary' }")) },
    }
    assert.equal(0, share(p:ask("none", "web", 2000)))
    assert.equal(1, share(p:ask("all", "web", 2000)))
    local dice = share(p:ask("dice", "web", 2000))
    assert.is_true(dice > 0.155 and dice < 0.245, tostring(dice)) -- five deviations
    local small, large = p:map("small", "web", 2000), p:map("large", "web", 2000)
    local n = 0
    for i = 1, 2000 do
      if small[i] == "127.0.0.1:3" then
        n = n + 1
        assert.equal("127.0.0.1:3", large[i])
      end
    end
    assert.is_true(n > 130 and n < 270, tostring(n))
    p:set("web", "down", 3)
    assert.equal(0, share(p:ask("all", "web", 2000)))
  end)

  it("follows a header or a cookie, over two workers", function()
    local web = origin.several(3)
    local n = spread.start(web, [[require 'neap.policy.canary' { share = 0, header = 'x-canary',
      cookie = 'next', tag = 'release', canary = 'v2', stable = 'v1' }]], {
      backends = ("{ url = '%s', tags = { release = 'v1' } }, "
        .. "{ url = '%s', tags = { release = 'v1' } }, "
        .. "{ url = '%s', tags = { release = 'v2' } }"):format(web[1].url, web[2].url, web[3].url),
    })
    assert.same({ web1 = 6, web2 = 6 }, (spread.one_by_one(n, 12)))
    assert.same({ web3 = 6 }, (spread.one_by_one(n, 6, "/", { ["X-Canary"] = "1" })))
    assert.same({ web3 = 6 }, (spread.one_by_one(n, 6, "/", { Cookie = "next=yes" })))
    assert.same({ web1 = 3, web2 = 3 }, (spread.one_by_one(n, 6, "/", { ["X-Canary"] = "0" })))
    web[3]:kill()
    assert.is_nil(spread.one_by_one(n, 6, "/", { ["X-Canary"] = "1" }).web3)
  end)
end)
