local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

-- Some milliseconds of honest work for each request, far below what the fuse allows; then 401.
local GUARD = [[
  local neap = require "neap"
  local no, block = neap.reply { status = 401, body = "no" }, ("x"):rep(1000)
  return { request = function(request)
    for _ = 1, tonumber(request.path:match "%d+") do neap.hmac("key", block) end
    return no
  end }
]]

local function get(path) return ("GET %s HTTP/1.1\r\nHost: a\r\n\r\n"):format(path) end

-- Two services of one worker: one is guarded, the other one proxies.
local function start()
  local web = origin.start {}
  return neap.start {
    config = ([[return { workers = 1, services = {
      { name = "guarded", listen = "127.0.0.1:0", policy = "guard.lua",
        health = { type = "none" }, backends = { %q } },
      { name = "other", listen = "127.0.0.1:0",
        health = { type = "none" }, backends = { %q } } } }]]):format(web.url, web.url),
    files = { ["guard.lua"] = GUARD },
  }
end

-- How many rounds are about so much of the worker's time.
local function rounds_of(n, seconds)
  local c, best = client.connect(n.address), math.huge
  for _ = 1, 5 do
    local began = eventually.now()
    c:request("GET", "/500")
    best = math.min(best, eventually.now() - began)
  end
  c:close()
  return math.max(1, math.floor(500 * seconds / best))
end

local function read_all(c, count, status)
  for _ = 1, count do assert.equal(status, c:read_response().status) end
end

describe("clients that pipeline", function()
  it("have a share of the loop, then others have theirs", function()
    local n = start()
    local worker = n:workers()[1]
    local other = client.connect(n.addresses[2])
    assert.equal(200, other:request("GET", "/").status)
    local greedy = client.connect(n.address, { timeout = 20 })
    local count = 600
    greedy:send(get("/" .. rounds_of(n, 0.005)):rep(count))
    greedy:read_response()
    for _ = 1, 5 do assert.equal(200, other:request("GET", "/").status) end
    assert.equal(401, n:get("/1").status)
    greedy:fill()
    local _, answered = greedy.buffer:gsub("HTTP/1.1 401", "")
    assert.is_true(answered < count - 1, "the others were served after all of it")
    read_all(greedy, count - 1, 401)
    assert.same({ worker }, n:workers())
    assert.equal(401, n:get("/1").status)
  end)

  it("are no reason to kill a worker, many together neither #slow", function()
    local n = start()
    local worker, rounds, clients = n:workers()[1], rounds_of(n, 0.001), {}
    for i = 1, 100 do
      clients[i] = client.connect(n.address, { timeout = 20 })
      clients[i]:send(get("/" .. rounds):rep(40))
    end
    local other = client.connect(n.addresses[2])
    for _ = 1, 5 do assert.equal(200, other:request("GET", "/").status) end
    for i = 1, 100 do read_all(clients[i], 40, 401) end
    assert.same({ worker }, n:workers())
  end)

  it("share with others where neap answers itself, too", function()
    local n = neap.start { config = neap.config({ 1 }, 'health = { type = "none" }') }
    local greedy, count = client.connect(n.address, { timeout = 20 }), 3000
    eventually(function() return n:get("/").status == 503 end) -- its backend is down
    greedy:send(get "/":rep(count))
    local c = client.connect(n.address)
    for _ = 1, 20 do assert.equal(503, c:request("GET", "/").status) end
    read_all(greedy, count, 503)
  end)

  it("get all answers before a drained worker ends", function()
    local n = start()
    local c = client.connect(n.address, { timeout = 20 })
    c:send(get("/" .. rounds_of(n, 0.003)):rep(100))
    assert.equal(401, c:read_response().status)
    n:signal "QUIT"
    local last
    repeat
      local response = c:read_response()
      last = response or last
    until not response
    assert.equal("close", last.headers.connection)
    assert.equal(401, last.status)
    assert.equal(0, n:wait(5))
  end)
end)
