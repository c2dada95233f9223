-- What the log says of checks and deaths: each once, with the reason.
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

local function escaped(url) return (url:gsub("%p", "%%%0")) end

describe("the log", function()
  local function warnings(n, one) return n:count_log("Z warn [^\n]*" .. escaped(one.address)) end

  it("tells a death that a check found in one line, and each later check in none", function()
    local web = origin.several(2)
    local n = neap.start { config = neap.config(web, "health = { interval = 0.1 }") }
    eventually(function() return web[1]:connections() >= 3 end)
    assert.equal(1, n:count_log(escaped(web[1].url)))
    web[1]:kill()
    n:wait_log("warn " .. escaped(web[1].url) .. " checked dead by healthcheck "
      .. "%(pool %S+: up → down%): Unreachable to " .. escaped(web[1].address)
      .. ", error:connection refused\n")
    local before = web[2]:connections()
    eventually(function() return web[2]:connections() >= before + 5 end)
    assert.equal(1, warnings(n, web[1]))
    web[1]:start_again()
    n:wait_log(escaped(web[1].url) .. " checked ok by healthcheck %(pool %S+: down → up%)\n")
  end)

  it("tells a death that a request found in one line", function()
    local web = origin.several(2)
    local n = neap.start {
      config = neap.config(web, "health = { interval = 0.3, recheck = 0.1 }, workers = 2"),
    }
    eventually(function() return n:count_log "checked ok" == 2 end)
    web[1]:kill()
    for _ = 1, 4 do assert.equal(200, n:get("/").status) end
    local before = web[2]:connections()
    eventually(function() return web[2]:connections() >= before + 3 end)
    assert.equal(1, warnings(n, web[1]))
    assert.equal(1, n:count_log("connection refused[^\n]* " .. escaped(web[1].url)))
  end)

  it("has the article's lines for the article's config", function()
    local web = origin.start {}
    local n = neap.start {
      config = ('{"proxy":{"port":"0"},"backends":[{"url":"%s/"}],"health":{"interval":0.1}}')
        :format(web.url), config_name = "config.json",
    }
    eventually(function() return n:count_log "checked ok by healthcheck$" >= 3 end)
    web:kill()
    eventually(function() return n:count_log "/ checked dead by healthcheck$" >= 2 end)
    assert.is_true(n:count_log("warn Unreachable to " .. escaped(web.address)) >= 2)
  end)
end)

describe("a balancer that starts before its backends", function()
  local function late()
    local web = origin.start { name = "late" }
    web:kill()
    return web
  end

  it("finds them soon", function()
    local web = late()
    local n = neap.start { config = neap.config { web } }
    n:wait_log "checked dead by healthcheck"
    web:start_again()
    local begun = eventually.now()
    eventually(function() return n:get("/").status == 200 end)
    assert.is_true(eventually.now() - begun < 2 * eventually.slowness)
  end)

  it("calls none of them dead before fall checks have failed", function()
    local web = late()
    local n = neap.start {
      config = neap.config({ web }, "health = { fall = 3, recheck = 4, interval = 5 }"),
    }
    n:wait_log "checked dead by healthcheck: Unreachable"
    web:start_again()
    assert.equal("late", n:get("/").body)
    eventually(function() return web:connections() >= 2 end)
    assert.equal(0, n:count_log "→ down")
  end)
end)
