local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local function counts(webs)
  local list = {}
  for index, web in ipairs(webs) do list[index] = #web:requests() end
  return list
end

-- Clients in processes of their own, each of which sends this many requests at once after the
-- other; returns when all have ended well.
local function run_clients(n, processes, requests)
  local pids, dir = {}, scope.directory()
  for index = 1, processes do
    pids[index] = process.fork(function()
      for _ = 1, requests / 10 do
        local c = client.connect(n.address)
        for _ = 1, 10 do assert(c:request("GET", "/").status == 200) end
        c:close()
      end
    end, { output = dir .. "/client" })
  end
  require("support.eventually")(function()
    for _, pid in ipairs(pids) do if process.exists(pid) then return false end end
    return true
  end, 20)
  for _, pid in ipairs(pids) do process.forget(pid) end
  assert.equal("", scope.read(dir .. "/client"))
end

describe("the article's round robin", function()
  it("goes through the backends one after another, over all clients", function()
    local webs = origin.several(4)
    local n = proxied.before(webs)
    local keeping = client.connect(n.address)
    for turn = 0, 19 do
      local response = turn % 2 == 0 and n:get "/" or keeping:request("GET", "/")
      assert.equal("web" .. turn % 4 + 1, response.body)
    end
  end)

  it("is exact over several workers and concurrent clients", function()
    local webs = origin.several(4)
    local n = proxied.before(webs, "workers = 3")
    assert.equal(3, #n:workers())
    run_clients(n, 4, 100)
    assert.same({ 100, 100, 100, 100 }, counts(webs))
  end)

  it("skips what is dead and shares the rest evenly", function()
    local webs = origin.several(3)
    local n = proxied.before { webs[1], webs[2], webs[3] }
    webs[2]:kill()
    for _ = 1, 3 do assert.equal(200, n:get("/").status) end
    local before = counts(webs)
    for _ = 1, 20 do assert.equal(200, n:get("/").status) end
    local after = counts(webs)
    assert.equal(10, after[1] - before[1])
    assert.equal(10, after[3] - before[3])
  end)

  it("heeds weights: 3 to 1 over 40 requests is 30 and 10, smoothly", function()
    local webs = origin.several(2)
    local n = neap.start {
      config = ([[return { listen = "127.0.0.1:0", workers = 2, health = { type = "none" },
        backends = { { url = %q, weight = 3 }, %q } }]]):format(webs[1].url, webs[2].url),
    }
    local run = 0
    for _ = 1, 40 do
      run = n:get("/").body == "web1" and run + 1 or 0
      assert.is_true(run <= 3)
    end
    assert.same({ 30, 10 }, counts(webs))
  end)

  it("heeds weights over several workers and concurrent clients", function()
    local webs = origin.several(2)
    local n = neap.start {
      config = ([[return { listen = "127.0.0.1:0", workers = 2, health = { type = "none" },
        backends = { { url = %q, weight = 3 }, %q } }]]):format(webs[1].url, webs[2].url),
    }
    run_clients(n, 4, 40)
    assert.same({ 120, 40 }, counts(webs))
  end)
end)
