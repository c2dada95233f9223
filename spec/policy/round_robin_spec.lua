local origin = require "support.origin"
local spread = require "support.spread"

describe("round_robin", function()
  it("is exact over two workers and many connections", function()
    local n = spread.start(origin.several(3), "'round_robin'")
    assert.same({ web1 = 20, web2 = 20, web3 = 20 }, (spread.at_once(n, 60)))
  end)

  it("sets turns of a heavy one apart", function()
    local web = origin.several(3)
    local n = spread.start(web, "require 'neap.policy.round_robin' {}", {
      backends = ("{ url = '%s', weight = 5 }, '%s', '%s'"):format(web[1].url, web[2].url,
        web[3].url),
    })
    local _, list = spread.one_by_one(n, 7)
    assert.equal("web1 web1 web2 web1 web3 web1 web1", table.concat(list, " "))
  end)

  it("gives nothing to who weighs nothing", function()
    local web = origin.several(3)
    local n = spread.start(web, "'round_robin'", {
      backends = ("{ url = '%s', weight = 0 }, '%s', '%s'"):format(web[1].url, web[2].url,
        web[3].url),
    })
    assert.same({ web2 = 5, web3 = 5 }, (spread.one_by_one(n, 10)))
  end)

  it("says so when all weigh nothing, or all drain", function()
    local n = spread.start({}, "'round_robin'", {
      backends = "{ url = 'http://127.0.0.1:1', weight = 0 }",
    })
    local answer = n:get "/"
    assert.equal(503, answer.status)
    assert.equal("no backend is up that has a weight above 0", answer.headers["x-neap-error"])
    n = spread.start({ 1 }, "{ request = function() "
      .. "require('neap').pool('127.0.0.1:0').all[1]:drain() end }")
    answer = n:get "/"
    assert.equal(503, answer.status)
    assert.equal("all backends drain", answer.headers["x-neap-error"])
  end)
end)
