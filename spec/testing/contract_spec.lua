local testing = require "neap.testing"

local function why(policy, options)
  local ok, text = pcall(testing.contract, policy, options)
  assert.is_false(ok)
  return text
end

describe("the contract", function()
  it("is kept by a good policy", function()
    testing.contract("round_robin")
    testing.contract { pick = function(_, pool) return pool:random() end }
  end)

  it("finds a pick that may not serve", function()
    local text = why { pick = function(_, pool) return pool.all[1] end }
    assert.matches("picks nothing that is down.*returned backend b1 %(down%)", text)
    assert.matches("is fair.*b1 got 1.000 of the requests, not 0.250", text)
  end)

  it("finds a foreign object", function()
    local other = testing.pool { "x" }
    assert.matches("pick returned", why { pick = function() return other:view()[1] end })
  end)

  it("finds a policy that works for some numbers only", function()
    assert.matches("works with 1, 2 and 1,000 backends: request 1 went nowhere: no backend was",
      (why { pick = function(_, pool) return pool[2] end }))
  end)

  it("finds one that is unfair, unless that is its nature", function()
    local policy = { pick = function(_, pool) return pool[1] end }
    assert.matches("is fair, and by weight: b1 got 1.000", why(policy))
    testing.contract(policy, { fair = false })
    testing.contract("first", { fair = false })
  end)

  it("finds keys that move", function()
    local neap = require "neap"
    local policy = { pick = function(request, pool)
      return pool[neap.hash(request.path) % #pool + 1]
    end }
    assert.matches("moves at most its share.*b3 had 0.0%d+ of the requests, but 0.[89]",
      (why(policy)))
  end)

  it("finds what is not as consistent as it should be", function()
    assert.matches("the same requests went to other backends",
      why("random", { consistent = true }))
  end)

  it("finds garbage and slowness", function()
    local text = why { pick = function(_, pool)
      local list = {}
      for i = 1, 100 do list[i] = { i } end
      return pool[1 + #list % #pool]
    end }
    assert.matches("a pick leaves %d+ bytes of garbage %(at most 1024", text)
    text = why({ pick = function(_, pool)
      local n = 0
      for i = 1, 50000 do n = n + i % 3 end
      return pool[n % #pool + 1]
    end }, { microseconds = 2, fair = false })
    assert.matches("a pick takes [%d.]+ µs %(at most 2", text)
  end)
end)

describe("the contract finds by itself", function()
  -- Time and garbage are of no interest here.
  local function keeps(policy) testing.contract(policy, { microseconds = 5000, bytes = 8192 }) end

  it("the stores and pools that a policy names", function()
    for _, name in ipairs { "answer-from-lua", "auth", "llm" } do
      keeps("examples/" .. name .. "/policy.lua")
    end
  end)

  it("pools that are named late, and by every", function()
    keeps {
      backends = function() return require("neap").pool "late" end,
      every = { [1] = function() require("neap").pool("beside").all[1].name:len() end },
    }
  end)

  it("dead backends in those pools", function()
    local text = why { pick = function() return require("neap").pool("other").all[1] end }
    assert.matches("pick returned", text)
  end)

  it("how pick decides about requests that it would have answered", function()
    local neap = require "neap"
    local function refuse() return neap.reply { status = 401 } end
    keeps { request = refuse }
    assert.matches("b1 got 1.000 of the requests",
      (why { request = refuse, pick = function(_, pool) return pool[1] end }))
  end)

  it("the line of a hook that fails, also behind a guard", function()
    local policy = { request = function(request) request:set_header("x", request.ctx.no.field) end }
    local line = debug.getinfo(policy.request, "S").linedefined
    for _, guard in ipairs { true, false } do
      assert.matches("hook request: [^\n]*contract_spec.lua:" .. line .. ": attempt to index field",
        (why(policy, { guard = guard })))
    end
  end)
end)

describe("the assertions about pools", function()
  it("say what is not balanced", function()
    local pool = testing.pool({ { name = "b1", weight = 2 }, "b2" }, { policy = "random" })
    assert.balanced(pool, 0.02)
    assert.error_matches(function()
      assert.balanced(testing.pool(2, { policy = "first" }), 0.02)
    end, "b1 got 1.0000 of 10000 requests, not 0.5000")
    assert.is_not.balanced(testing.pool(2, { policy = "first" }), 0.02)
  end)

  it("say who did not stick", function()
    assert.sticky(testing.pool(5, { policy = "cookie" }))
    assert.sticky(testing.pool(5, { policy = "source" }))
    assert.error_matches(function() assert.sticky(testing.pool(5)) end,
      "client 1 went to b1 first, and to b2 with request 2")
  end)

  it("say how much moved", function()
    local function without_b2(pool) pool:down "b2" end
    assert.moves_at_most(testing.pool(10, { policy = "source" }), 0.13, without_b2)
    assert.error_matches(function()
      assert.moves_at_most(testing.pool(10), 0.13, without_b2)
    end, "expected at most 0.13 of 10000 requests to go elsewhere")
    assert.error_matches(function() assert.balanced(5, 1) end, "must be a pool of neap.testing")
  end)
end)

testing.contract("two_choices", { name = "a policy, told in a file" })
