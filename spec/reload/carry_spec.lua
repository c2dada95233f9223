local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local function reload(n, number)
  n:signal "HUP"
  n:wait_log(("reloaded: generation %d serves"):format(number), 10)
end

describe("over a reload", function()
  it("a backend's state goes with its name: what is down stays down", function()
    local webs = origin.several(2)
    local health = 'health = { interval = 60, recheck = 60 }'
    local n = neap.start { config = neap.config(webs, health) }
    eventually(function() return n:count_log "checked ok" == 2 end)
    webs[2]:kill()
    eventually(function()
      n:get "/"
      return n:count_log "is dead%.$" == 1
    end)
    scope.write(n.dir .. "/config.lua", neap.config({ webs[2], webs[1] }, health))
    reload(n, 2)
    for _ = 1, 6 do assert.equal("web1", n:get("/").body) end
    assert.equal(1, n:count_log "is dead%.$")
  end)

  it("named counters go on counting", function()
    local n = neap.start {
      config = [[
        local neap = require "neap"
        return {
          listen = "127.0.0.1:0", workers = 2, backends = { "http://127.0.0.1:1" },
          health = { type = "none" },
          policy = { request = function(request)
            local total = neap.metric.counter("asked", "requests")
            local gauge = neap.metric.gauge("level", "a level")
            if request.path == "/set" then gauge:set(7.5) end
            return neap.reply { status = 200, body = total:next() .. " " .. gauge:get() }
          end },
        }]],
    }
    assert.equal("0 7.5", n:get("/set").body)
    assert.equal("1 7.5", n:get("/").body)
    reload(n, 2)
    assert.equal("2 7.5", n:get("/").body)
    reload(n, 3)
    assert.equal("3 7.5", n:get("/").body)
  end)
end)
