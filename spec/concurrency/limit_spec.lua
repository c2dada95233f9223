-- neap.concurrency: how many requests are somewhere at once, over all workers.

local admin = require "support.admin"
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local holding = require "support.holding"
local neap = require "support.neap"
local process = require "support.process"

local function is_full(n, key)
  local answer = n:get("/hold/" .. key)
  return answer.status == 503 and answer.body == "full"
end

describe("neap.concurrency", function()
  it("lets in as many at once as it says, by key, over all workers", function()
    local n = holding.start(12)
    local clients = holding.enter(n, "a", 12)
    for _ = 1, 20 do assert.is_true(is_full(n, "a")) end
    holding.enter(n, "b", 12)
    for i = 1, 5 do clients[i]:close() end
    holding.inside(n, "a", 7)
    holding.enter(n, "c", 3)
    for _, c in ipairs(clients) do c:close() end
    holding.inside(n, "a", 0)
    holding.inside(n, "b", 12)
  end)

  it("gives back what a worker held that was killed", function()
    local n = holding.start(12, { allow = { "killed" } })
    holding.enter(n, "a", 12)
    assert.is_true(is_full(n, "a"))
    local workers = n:workers()
    process.signal(workers[1], "KILL")
    eventually(function()
      local ok, answer = pcall(n.get, n, "/inside/a")
      return ok and tonumber(answer.body) < 12
    end)
    process.signal(workers[2], "KILL")
    eventually(function() return select(2, pcall(n.get, n, "/inside/a")).body == "0" end)
    holding.enter(n, "a", 12)
    assert.is_true(is_full(n, "a"))
  end)

  it("counts requests of the old generation, until they end", function()
    local n = holding.start(4)
    local clients = holding.enter(n, "a", 4)
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 10)
    assert.is_true(is_full(n, "a"))
    clients[1]:close()
    holding.inside(n, "a", 3)
    for i = 2, 4 do clients[i]:close() end
    holding.inside(n, "a", 0)
  end)

  it("counts streams of HTTP/2 until the client resets them", function()
    local n = holding.start(50)
    local c = h2_client.connect(n.port)
    local ids = {}
    for i = 1, 50 do ids[i] = c:request { [":path"] = "/hold/a" } end
    holding.inside(n, "a", 50)
    assert.equal("full", c:get("/hold/a").body)
    for i = 1, 30 do c:send(frames.reset(ids[i])) end
    holding.inside(n, "a", 20)
    c:close()
    holding.inside(n, "a", 0)
  end)

  it("counts what it refused, and says so in explain", function()
    local n = holding.start(1)
    holding.enter(n, "a", 1)
    for _ = 1, 3 do assert.is_true(is_full(n, "a")) end
    eventually(function()
      return admin.get(n, "/metrics").body:find("concurrency_rooms_refused_total 3", 1, true)
    end)
    local _, text = neap.run { "explain", "--last", "1", "--admin", n.admin }
    assert.matches("the concurrency limit rooms is reached", text)
  end)

  it("says what is wrong with it", function()
    local function why(text)
      return select(2, neap.check(([[
        local neap = require "neap"
        local c = neap.concurrency %s
        return { listen = "127.0.0.1:0", backends = { "http://127.0.0.1:1" } }]]):format(text)))
    end
    assert.matches("limit: it is missing %(expected a whole number from 1", why "{}")
    assert.matches("limit: 1.5 is wrong", why "{ limit = 1.5 }")
    assert.matches("unknown key 'limits'; did you mean 'limit'", why "{ limits = 2 }")
    assert.matches("neap.concurrency { limit =, store = }", why "(3)", 1, true)
  end)
end)
