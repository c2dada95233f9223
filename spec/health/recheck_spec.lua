-- Marked dead by a request: for all, at once, and only as long as it is.
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"

describe("a backend that a request found dead", function()
  local function escaped(url) return (url:gsub("%p", "%%%0")) end

  it("is skipped from then on, and back within two seconds of its start", function()
    local web = origin.several(2)
    local n = neap.start { config = neap.config(web) }
    n:wait_log(escaped(web[2].url) .. " checked ok")
    web[1]:kill()
    for _ = 1, 4 do assert.equals("web2", n:get().body) end
    n:wait_log(escaped(web[1].url) .. " is dead%.")
    web[1]:start_again()
    eventually(function() return n:get().body == "web1" end, 2.3)
  end)

  it("is skipped by all workers", function()
    local web = origin.several(2)
    local n = neap.start {
      config = neap.config(web, "workers = 2, health = { interval = 60, recheck = 30 }"),
    }
    n:wait_log(escaped(web[2].url) .. " checked ok")
    web[1]:kill()
    for _ = 1, 20 do assert.equals("web2", n:get().body) end
    assert.is_true(n:count_log(escaped(web[1].url) .. " is dead%.") <= 2)
  end)

  it("comes back by itself where there are no checks", function()
    local web = origin.several(2)
    local n = neap.start { config = neap.config(web, 'health = { type = "none" }') }
    web[1]:kill()
    for _ = 1, 4 do n:get() end
    web[1]:start_again()
    eventually.always(function() return n:get().body == "web2" end, 1)
    eventually(function() return n:get().body == "web1" end, 12)
    assert.equals(0, n:count_log "healthcheck")
  end)

  it("stays dead when the agent dies, and is checked by the next one", function()
    local web = origin.several(2)
    local keys = 'health = { interval = 60, recheck = 2 }, log = { checks = "all" }'
    local n = neap.start { config = neap.config(web, keys) }
    n:allow "agent"
    n:wait_log(escaped(web[2].url) .. " checked ok")
    web[1]:kill()
    for _ = 1, 4 do assert.equals("web2", n:get().body) end
    local agent = n:agent()
    process.signal(agent, "KILL")
    eventually(function()
      local now = n:agent()
      return now and now ~= agent
    end)
    for _ = 1, 4 do assert.equals("web2", n:get().body) end
    assert.equals(1, n:count_log(escaped(web[1].url) .. " is dead%."))
    n:wait_log(escaped(web[1].url) .. " checked dead by healthcheck")
    web[1]:start_again()
    eventually(function() return n:get().body == "web1" end, 8)
  end)

  it("is not called dead because the agent itself was stopped", function()
    local hung = origin.start { handler = function(conn) conn:wait(9) end }
    local n = neap.start {
      config = neap.config({ hung }, 'health = { type = "http", timeout = 2, interval = 30 }'),
    }
    eventually(function() return hung:connections() > 0 end)
    process.signal(n:agent(), "STOP")
    eventually.always(function() return n:count_log "checked dead" == 0 end, 2.2)
    process.signal(n:agent(), "CONT")
    n:wait_log "check of http://%S+ is discarded: neap's agent itself was %S+ s late"
  end)
end)
