-- The documented checks: a TCP dial, at start and each interval, both ways.
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

describe("the periodic check", function()
  local function escaped(url) return (url:gsub("%p", "%%%0")) end

  it("says at start what it found, in the words of the article", function()
    local web = origin.several(2)
    web[2]:kill()
    local n = neap.start { config = neap.config({ web[1], web[2] }) }
    n:wait_log("info " .. escaped(web[1].url) .. " checked ok by healthcheck\n")
    n:wait_log("warn " .. escaped(web[2].url) .. " checked dead by healthcheck ")
    n:wait_log(": Unreachable to " .. escaped(web[2].address) .. ", error:connection refused\n")
  end)

  it("takes a dead backend out before any request sees it, and brings it back", function()
    local web = origin.several(2)
    local n = neap.start {
      config = neap.config({ web[1], web[2] }, "health = { interval = 0.3, recheck = 0.3 }"),
    }
    n:wait_log(escaped(web[2].url) .. " checked ok")
    web[1]:kill()
    n:wait_log(escaped(web[1].url) .. " checked dead by healthcheck")
    for _ = 1, 6 do assert.equals("web2", n:get().body) end
    assert.equals(0, n:count_log "is dead%.")
    web[1]:start_again()
    eventually(function() return n:get().body == "web1" end, 3)
    n:wait_log(escaped(web[1].url) .. " checked ok by healthcheck %(pool %S+: down → up%)")
  end)

  it("checks by the interval, all of them", function()
    local web = origin.several(3)
    local keys = 'health = { interval = 0.2 }, log = { checks = "all" }'
    local n = neap.start { config = neap.config(web, keys) }
    for _, one in ipairs(web) do
      eventually(function() return one:connections() >= 4 end)
      assert.is_true(n:count_log(escaped(one.url) .. " checked ok by healthcheck") >= 3)
    end
  end)

  it("shares what it found with all workers", function()
    local web = origin.several(2)
    local n = neap.start {
      config = neap.config(web, "workers = 2, health = { interval = 0.2, recheck = 0.2 }"),
    }
    web[1]:kill()
    n:wait_log(escaped(web[1].url) .. " checked dead by healthcheck %(pool %S+: %a+ → down%)")
    for _ = 1, 20 do assert.equals("web2", n:get().body) end
  end)

  it("waits for nobody: a backend that does not answer holds up no other", function()
    local web = origin.several(2)
    local hung = origin.start { name = "hung", handler = function(conn) conn:wait(60) end }
    local n = neap.start {
      config = neap.config({ hung, web[1], web[2] },
        'health = { type = "http", interval = 0.3, timeout = 2 }'),
    }
    n:wait_log(escaped(web[2].url) .. " checked ok", 1)
    eventually(function() return web[1]:connections() >= 4 end, 1.9)
    n:wait_log("Unhealthy " .. escaped(hung.address) .. ", error:[^\n]*time", 4)
    n:wait_log(escaped(hung.url) .. " checked dead by healthcheck", 1)
  end)
end)
