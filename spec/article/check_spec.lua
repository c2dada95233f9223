local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"

local function escaped(text) return (text:gsub("%p", "%%%0")) end

-- As a JSON file in the article's format has it.
local ALL = 'log = { checks = "all" }'

describe("the article's periodic check", function()
  it("runs for the first time at the start, and says what it found", function()
    local web = origin.start {}
    local address = net.refused()
    local dead = "http://" .. address
    local n = neap.start { config = neap.config({ web, dead }, ALL) }
    n:wait_log(" " .. escaped(web.url) .. " checked ok by healthcheck\n")
    n:wait_log(" " .. escaped(dead) .. " checked dead by healthcheck\n")
    n:wait_log(" Unreachable to " .. escaped(address) .. ", error:connection refused\n")
    for _ = 1, 4 do assert.equal(200, n:get("/").status) end
    assert.equal(0, n:count_log "is dead%.")
  end)

  it("is a TCP connect: no request is sent", function()
    local web = origin.start {}
    local n = neap.start { config = neap.config({ web }, "health = { interval = 0.1 }") }
    n:wait_log "checked ok by healthcheck"
    eventually(function() return web:connections() >= 3 end)
    assert.equal(0, #web:requests())
  end)

  it("sets the state both ways", function()
    local webs = origin.several(2)
    local keys = "health = { interval = 0.1, timeout = 0.5, recheck = 0.1 }, " .. ALL
    local n = neap.start { config = neap.config(webs, keys) }
    n:wait_log(escaped(webs[2].url) .. " checked ok by healthcheck\n")
    webs[2]:kill()
    n:wait_log(escaped(webs[2].url) .. " checked dead by healthcheck\n")
    for _ = 1, 4 do assert.equal("web1", n:get("/").body) end
    local known = n:count_log(escaped(webs[2].url) .. " checked ok")
    webs[2]:start_again()
    eventually(function()
      return n:count_log(escaped(webs[2].url) .. " checked ok") > known
    end)
    eventually(function() return n:get("/").body == "web2" end)
  end)

  it("is known to all workers at once", function()
    local webs = origin.several(2)
    local n = neap.start {
      config = neap.config(webs, "workers = 3, health = { interval = 0.1 }"),
    }
    n:wait_log(escaped(webs[1].url) .. " checked ok by healthcheck")
    webs[1]:kill()
    n:wait_log(escaped(webs[1].url) .. " checked dead by healthcheck")
    for _ = 1, 12 do assert.equal("web2", n:get("/").body) end
    assert.equal(0, n:count_log "is dead%.")
  end)

  it("does not let one silent backend hold up the check of the others", function()
    local web = origin.start {}
    local n = neap.start {
      config = neap.config({ "http://" .. net.silent(), "http://" .. net.silent(), web }),
    }
    n:wait_log(escaped(web.url) .. " checked ok by healthcheck", 3)
  end)
end)
