-- A policy that a spec loads by `require`, and one file's hooks called by hand.

local testing = require "neap.testing"

describe("hooks called by hand", function()
  it("ask the balancer whose pool they were given", function()
    local neap = require "neap"
    local one = testing.pool(2, { time = 1000 })
    local two = testing.pool(2, { time = 2000, seed = 5 })
    local policy = { pick = function(_, pool) return pool[1], neap.now() end }
    assert.equal(1000, (select(2, policy.pick(one:request(), one:view()))))
    assert.equal(2000, (select(2, policy.pick(two:request(), two:view()))))
  end)

  it("know a reply that was made at the top of a file", function()
    local neap = require "neap"
    local closed = neap.reply { status = 503, headers = { ["Retry-After"] = 60 }, body = "closed" }
    local pool = testing.pool(2, { policy = { request = function() return closed end } })
    local result = pool:send()
    assert.equal("503 closed 60", ("%d %s %s"):format(result.status, result.body,
      result.headers["retry-after"]))
  end)

  it("are told what neap does not have", function()
    assert.is_nil(rawget(require "neap", "nothing"))
    assert.error_matches(function() testing.pool(1):request { pth = "/" } end,
      "a request has no 'pth'")
    assert.error_matches(function() testing.pool(1):send "x" end, "a request is a table")
  end)
end)
