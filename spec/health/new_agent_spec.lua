-- What an agent knew holds for the one that is started in its place.
local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"

describe("a new agent", function()
  local CONFIG = [[
    health = { interval = 60 }, admin = { listen = "127.0.0.1:0" },
    policy = {
      request = function(request)
        local neap = require "neap"
        local name = request:header "x-pool"
        if not name then return end -- the trial of a reload
        local pool = neap.pool(name)
        if request.path == "/drain" then pool.all[2]:drain() end
        if request.path == "/eject" then pool.all[3]:eject(4, "a try") end
      end,
    }]]

  local function states(n)
    local list = {}
    for i, backend in ipairs(admin.status(n).pools[1].backends) do list[i] = backend.state end
    return list
  end

  it("goes on with what drains, is ejected, or is down, and ends an ejection in time", function()
    local web = origin.several(4)
    local n = neap.start { config = neap.config(web, CONFIG) }
    n:allow "starting another"
    eventually(function() return n:count_log "checked ok" == 4 end)
    local pool = { ["x-pool"] = admin.status(n).pools[1].name }
    web[4]:kill()
    for _ = 1, 4 do n:get("/", pool) end
    n:get("/drain", pool)
    n:get("/eject", pool)
    local all = { "up", "drain", "ejected", "down" }
    eventually(function() assert.same(all, states(n)) end)
    local before = n:agent()
    process.signal(before, "KILL")
    eventually(function() return n:agent() and n:agent() ~= before end)
    eventually(function() assert.same(all, states(n)) end)
    eventually(function() assert.same({ "up", "drain", "up", "down" }, states(n)) end, 8)
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 20)
    eventually(function() assert.same({ "up", "drain", "up", "down" }, states(n)) end)
  end)
end)
