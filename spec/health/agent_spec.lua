-- Weights at run time: backend:set_weight, and checks that ask a program beside the backend.
local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

describe("an agent beside the backend", function()
  -- An agent that says what its file has.
  local function start(more)
    local said = scope.directory() .. "/said"
    local function say(line)
      scope.write(said .. ".new", line)
      assert(os.rename(said .. ".new", said))
    end
    say "up"
    local agent = origin.start { connection = function(conn) conn:send(scope.read(said)) end }
    local web = origin.start { handler = function() return "web" end }
    local n = neap.start {
      config = ([[return { listen = "127.0.0.1:0", workers = 1, %s
        admin = { listen = "127.0.0.1:0" },
        backends = { { url = "%s", weight = 40 } },
        health = { type = "agent", port = %d, interval = 0.1, timeout = 2 } }]])
        :format(more or "", web.url, agent.port),
    }
    return n, say
  end

  local function backend(n) return admin.status(n).pools[1].backends[1] end

  local function becomes(n, key, value)
    eventually(function() return backend(n)[key] == value end, 10, key .. " " .. tostring(value))
  end

  it("sets the weight, drains, brings back and takes down", function()
    local n, say = start()
    becomes(n, "state", "up")
    for _, step in ipairs {
      { "75%\n", "weight", 30 }, { "1%", "weight", 1 }, { "drain\r\n", "weight", 0 },
      { "ready", "weight", 40 }, { "UP, 200%", "weight", 80 }, { "up", "weight", 80 },
      { "down # tired \n", "state", "down" }, { "up 50%", "state", "up" },
      { "nonsense", "state", "down" }, { "ready", "state", "up" }, { "maint", "state", "down" },
    } do
      say(step[1])
      becomes(n, step[2], step[3])
      if step[2] == "weight" then
        local line = ('neap_backend_weight{[^\n]*} %d\n'):format(step[3])
        eventually(function() return admin.get(n, "/metrics").body:find(line) end, 10, line)
      end
    end
    n:wait_log "its agent says down: tired"
    n:wait_log "its agent says 'nonsense'"
  end)

  it("is named, when it is the agent that cannot be reached", function()
    local web = origin.several(1)
    local n = neap.start { config = ([[return { listen = "127.0.0.1:0", workers = 1,
      health = { type = "agent", port = 1, interval = 0.2 },
      backends = { { url = "%s" } } }]]):format(web[1].url) }
    n:wait_log "its agent at 127.0.0.1 port 1: connection refused"
  end)

  it("is a check of a policy, too", function()
    local agent = origin.start { connection = function(conn) conn:send "25%\n" end }
    local web = origin.several(1)
    local n = neap.start { config = ([[return { listen = "127.0.0.1:0", workers = 1,
      admin = { listen = "127.0.0.1:0" }, health = { interval = 0.2 },
      policy = { check = require("neap").check.agent { port = %d } },
      backends = { { url = "%s", weight = 100 } } }]]):format(agent.port, web[1].url) }
    becomes(n, "weight", 25)
    becomes(n, "state", "up")
  end)
end)

describe("backend:set_weight", function()
  it("takes effect on all workers at once", function()
    local web = origin.several(2)
    local n = neap.start { config = neap.config(web, [[
      workers = 2, health = { type = "none" }, admin = { listen = "127.0.0.1:0" },
      policy = {
        backends = function(request, pool)
          if request.path == "/set" then assert(pool.all[1]:set_weight(0)) end
          if request.path == "/wrong" then pool.all[1]:set_weight("3") end
          if request.path == "/large" then pool.all[1]:set_weight(1001) end
        end,
      }]]) }
    n:allow "hook backends"
    local seen = {}
    for _ = 1, 8 do seen[n:get().body] = true end
    assert.same({ web1 = true, web2 = true }, seen)
    n:get "/set"
    for _ = 1, 20 do assert.equals("web2", n:get().body) end
    assert.equals(0, admin.status(n).pools[1].backends[1].weight)
    n:get "/wrong"
    n:wait_log "config.lua:%d+: backend:set_weight%(n%): .* from 0 to 1000, and this is '3'"
    n:signal "HUP"
    n:wait_log "generation 2 [^\n]*serves"
    assert.equals(1, admin.status(n).pools[1].backends[1].weight)
  end)
end)
