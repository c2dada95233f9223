-- neap.limit: how often something may happen, counted over all workers.

local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"

local function config(limit, more)
  return ([[
    local neap = require "neap"
    local limit = neap.limit %s
    return {
      listen = "127.0.0.1:0", workers = 2, backends = { "http://127.0.0.1:1" },
      health = { type = "none" }, %s
      policy = { request = function(request)
        local call, key, cost = request.path:match "^/(%%a+)/([^/]*)/?(.*)$"
        if call ~= "take" and call ~= "look" then return end
        local of = key == "client" and request or key
        if key == "long" then of = ("k"):rep(100000) .. cost end
        local a, b = limit[call](limit, of, call == "take" and tonumber(cost) or nil)
        return neap.reply { body = tostring(a) .. " " .. tostring(b) }
      end },
    }]]):format(limit, more or "")
end

local function started(limit, more, options)
  options = options or {}
  options.config = config(limit, more)
  return neap.start(options)
end

describe("neap.limit", function()
  it("lets a burst pass, then says when to come again", function()
    local n = started "{ rate = 1, per = 100, burst = 3 }"
    assert.equal("3 0", n:get("/look/a").body)
    for _ = 1, 3 do assert.equal("true nil", n:get("/take/a").body) end
    local wait = n:get("/take/a").body:match "^false ([%d.]+)$"
    assert.is_true(tonumber(wait) > 90 and tonumber(wait) <= 100, wait)
    assert.matches("^0 2%d%d", n:get("/look/a").body)
    assert.equal("true nil", n:get("/take/b").body)
  end)

  it("takes more than one at a time, and nothing that is more than the burst", function()
    local n = started "{ rate = 1, per = 100, burst = 3 }"
    assert.equal("true nil", n:get("/take/a/2").body)
    assert.matches("^false", n:get("/take/a/2").body)
    assert.equal("true nil", n:get("/take/a/1").body)
    assert.equal("false inf", n:get("/take/b/4").body)
    assert.equal("3 0", n:get("/look/b").body)
  end)

  it("knows clients by their address", function()
    local n = started "{ rate = 1, per = 100, burst = 2 }"
    for _ = 1, 2 do assert.equal("true nil", n:get("/take/client").body) end
    assert.matches("^false", n:get("/take/client").body)
    assert.matches("^0 ", n:get("/look/client").body)
  end)

  it("has no key that is too long to be limited", function()
    local n = started "{ rate = 1, per = 100, burst = 1 }"
    assert.equal("true nil", n:get("/take/long/a").body)
    assert.matches("^false", n:get("/take/long/a").body)
    assert.equal("true nil", n:get("/take/long/b").body)
  end)

  it("stands in the store that it names, else in one of its own", function()
    local n = started("{ rate = 1, per = 100, store = 'clients' }",
      "shared = { clients = { bytes = 65536 } },")
    n:get "/take/a"
    n = started "{ rate = 1, per = 100 }"
    assert.equal("true nil", n:get("/take/a").body)
  end)

  it("counts what it refused", function()
    local n = started("{ rate = 1, per = 100, burst = 1, name = 'logins' }",
      "admin = { listen = '127.0.0.1:0' },")
    for _ = 1, 4 do n:get "/take/a" end
    eventually(function()
      return admin.get(n, "/metrics").body:find("limit_logins_refused_total 3", 1, true)
    end)
  end)

  it("is kept over a reload", function()
    local n = started "{ rate = 1, per = 100, burst = 1 }"
    assert.equal("true nil", n:get("/take/a").body)
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 10)
    assert.matches("^false", n:get("/take/a").body)
  end)

  it("says what is wrong with it", function()
    local function why(limit) return select(2, neap.check(config(limit))) end
    assert.matches("rate: it is missing %(expected a number", why "{}")
    assert.matches("unknown key 'brust'; did you mean 'burst'", why "{ rate = 1, brust = 2 }")
    assert.matches("burst: 0 is wrong", why "{ rate = 1, burst = 0 }")
    for _, rate in ipairs { "0", "1/0", "0/0", "-1" } do
      assert.matches("rate: .* is wrong", why(("{ rate = %s }"):format(rate)))
    end
    assert.matches("burst: 1000 at 1 in 1e%+09 s come back within 1e%+12 s %(expected at most",
      why "{ rate = 1, per = 1e9, burst = 1000 }")
    assert.matches("a store 'here'", why "{ rate = 1, store = 'here' }")
    assert.matches("name: 'a b' is wrong", why "{ rate = 1, name = 'a b' }")
  end)
end)
