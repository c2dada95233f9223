-- Objects that a policy keeps beyond the hook that it got them in.

local scope = require "support.scope"
local testing = require "neap.testing"

local function pool_of(source, options)
  local path = scope.directory() .. "/policy.lua"
  scope.write(path, source)
  options = options or {}
  options.policy = path
  return testing.pool(3, options)
end

local KEPT = {
  ["a pool was kept in 'last'"] = "local last return { pick = function(_, pool) last = pool "
    .. "return last[1] end }",
  ["a backend was kept in 'best'"] = "local best return { pick = function(_, pool) best = best or "
    .. "pool[1] return best end }",
  ["a backend was kept in 'by_client'"] = "local by_client = {} return { pick = function(r, pool) "
    .. "by_client[r.client_ip] = { backend = pool[1], at = 1 } return pool[1] end }",
}

describe("neap.testing", function()
  it("says which pools and backends a policy keeps, and where", function()
    for text, source in pairs(KEPT) do
      assert.error_matches(function() pool_of(source):send() end,
        "^hook pick: " .. text .. " when the hook had ended: keep its name, not the object$")
    end
  end)

  it("says it once, and where errors are contained lets it go on as neap does", function()
    local pool = pool_of(KEPT["a backend was kept in 'best'"], { contain = true })
    assert.equal(10, pool:count(10).b1)
    assert.equal(1, #pool:errors())
    pool:down "b1"
    assert.equal(0, pool:count(10).b1)
    assert.matches("b1 %(down%), which may not serve", pool:errors()[2].text)
  end)

  it("lets names be kept, and what belongs to the request", function()
    local pool = pool_of("local names = {} return { pick = function(request, pool) "
      .. "names[request.client_ip] = pool[1].name request.ctx.pool = pool return pool[1] end, "
      .. "log = function(request) names.n = #request.ctx.pool end }")
    assert.equal("b1", pool:pick())
    assert.same({}, pool:errors())
  end)

  it("finds nothing kept in shipped policies", function()
    for _, name in ipairs { "round_robin", "least_connections", "two_choices", "hash", "source",
      "cookie", "ewma", "first", "random", "zone", "canary" } do
      local pool = testing.pool(3, { policy = name })
      for i = 1, 20 do pool:send { client_ip = "192.0.2." .. i } end
      assert.same({}, pool:errors())
    end
  end)
end)
