local admin = require "support.admin"
local eventually = require "support.eventually"
local origin = require "support.origin"

local function of(m, what, hook)
  return m[('neap_hook_%s{service="web",hook="%s"}'):format(what, hook)]
end

describe("what a hook costs", function()
  it("is told of each hook, over reloads", function()
    local n = admin.start({ origin.start {} }, [[name = "web", policy = {
      request = function(r) if r.path == "/here" then return require "neap".reply {} end end,
      backends = function(_, pool)
        local sum = 0
        for i = 1, 200000 do sum = sum + i % 7 end
        return pool
      end,
      pick = function(_, pool) return pool[1] end,
      log = function() end,
    }]])
    for _ = 1, 64 do n:get "/" end
    for _ = 1, 3 do n:get "/here" end
    local function counted(requests, backends)
      return eventually(function()
        local m = admin.metrics(n)
        return of(m, "calls_total", "log") == requests
          and of(m, "calls_total", "request") == requests
          and of(m, "calls_total", "backends") == backends
          and of(m, "calls_total", "pick") == backends and m
      end)
    end
    local m = counted(67, 64)
    assert.equals(0, of(m, "calls_total", "response"))
    -- 64 times 200,000 rounds: no machine does it in less; another process may make it longer.
    assert.is_true(of(m, "seconds_total", "backends") > 64 * 200000 * 1e-10)
    assert.is_true(of(m, "seconds_total", "request") > 0)
    assert.is_true(of(m, "seconds_total", "pick") > 0)
    assert.equals(200, admin.call(n, "POST", "/reload").status)
    n:get "/"
    counted(68, 65)
  end)

  it("is told of one that waits: what follows, not the wait", function()
    local n = admin.start({ origin.start {} }, [[name = "web", policy = {
      request = function() require "neap".sleep(1) end }]])
    n:get "/"
    local seconds
    eventually(function()
      seconds = of(admin.metrics(n), "seconds_total", "request")
      return seconds > 0
    end)
    assert.is_true(seconds < 1) -- the wait alone is that long
  end)

  it("is told of those beside traffic", function()
    local o = origin.start {}
    local n = admin.start({}, ([[name = "web", health = { type = "tcp", interval = 0.05 },
      backends = {}, discover = { interval = 0.05 }, policy = {
        discover = function() return { %q } end,
        check = function() require "neap".sleep(0.01) return true end,
        changed = function() end,
      }]]):format(o.url))
    eventually(function()
      local m = admin.metrics(n)
      return of(m, "calls_total", "discover") > 1 and of(m, "calls_total", "check") > 1
        and of(m, "calls_total", "changed") == 1 and of(m, "seconds_total", "discover") > 0
        and of(m, "seconds_total", "check") > 0 and of(m, "calls_total", "pick") == 0
    end)
  end)
end)
