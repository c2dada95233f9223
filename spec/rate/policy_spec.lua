-- The shipped policy rate_limit.

local admin = require "support.admin"
local neap = require "support.neap"
local origin = require "support.origin"
local spread = require "support.spread"

describe("the policy rate_limit", function()
  local web
  before_each(function() web = { origin.start(), origin.start() } end)

  local function started(options, more)
    return spread.start(web, "require 'neap.policy.rate_limit' " .. options, { more = more })
  end

  local function statuses(n, count, headers)
    local list = {}
    for i = 1, count do list[i] = n:get("/", headers).status end
    return table.concat(list, " ")
  end

  it("refuses what is too much, and says when to come again", function()
    local n = started "{ rate = 2, per = 100, burst = 3, name = 'site' }"
    assert.equal("200 200 200", statuses(n, 3))
    local answer = n:get "/"
    assert.equal(429, answer.status)
    local seconds = tonumber(answer.headers["retry-after"])
    assert.is_true(seconds > 40 and seconds <= 50, seconds)
    assert.equal('"site";q=3;w=150', answer.headers["ratelimit-policy"])
    assert.equal(('"site";r=0;t=%d'):format(seconds), answer.headers["ratelimit"])
    assert.equal("Too many requests\n", answer.body)
  end)

  it("works by its name, with a store of its own", function()
    local n = spread.start(web, "'rate_limit'")
    assert.equal("200 200", statuses(n, 2))
  end)

  it("tells clients what is left", function()
    local n = started "{ rate = 1, per = 100, burst = 3, name = 'site', headers = true }"
    assert.equal('"site";r=2;t=100', n:get("/").headers["ratelimit"])
    assert.equal('"site";r=1;t=200', n:get("/").headers["ratelimit"])
  end)

  it("knows clients by a header, a cookie or a function", function()
    for key, header in pairs { ["'header:x-key'"] = "X-Key", ["'cookie:k'"] = "Cookie",
      ["function(r) return r:header 'x-key' end"] = "X-Key" } do
      local n = started(("{ rate = 1, per = 100, key = %s }"):format(key))
      assert.equal("200 429", statuses(n, 2, { [header] = "k=1" }))
      assert.equal("200 429", statuses(n, 2, { [header] = "k=2" }))
      assert.equal("200 200", statuses(n, 2))
    end
  end)

  it("knows them by a claim that the inner policy has verified", function()
    local n = started [[{ rate = 1, per = 100, key = "jwt:sub", policy = {
      request = function(r) r.ctx.jwt = { sub = r:header "x-user" } end } }]]
    assert.equal("200 429", statuses(n, 2, { ["X-User"] = "a" }))
    assert.equal("200 429", statuses(n, 2, { ["X-User"] = "b" }))
  end)

  it("tells in explain which limit it was", function()
    local n = started("{ rate = 1, per = 100, name = 'site' }",
      "admin = { listen = '127.0.0.1:0' }, explain = { sample = 1 },")
    assert.equal("200 429", statuses(n, 2))
    assert.matches("limit_site_refused_total 1\n", admin.get(n, "/metrics").body)
    local _, text = neap.run { "explain", "--last", "1", "--admin", n.admin }
    assert.matches("the limit site is reached", text)
  end)

  it("closes connections in tcp mode", function()
    local policy = "require 'neap.policy.rate_limit' { rate = 1, per = 100, burst = 2 }"
    local n = spread.start(web, policy,
      { more = "mode = 'tcp',", backends = ("'tcp://127.0.0.1:%d'"):format(web[1].port) })
    for _ = 1, 2 do assert.equal(200, n:get("/").status) end
    local connected, answer = pcall(n.get, n, "/") -- a reset may come while it connects
    assert.is_falsy(connected and answer)
  end)

  it("says what is wrong with its options", function()
    local _, text = neap.check [[return { backends = { "http://127.0.0.1:1" },
      policy = require "neap.policy.rate_limit" { key = "adress" } }]]
    assert.matches("rate_limit: key: 'adress' is wrong %(expected \"address\"", text)
  end)
end)
