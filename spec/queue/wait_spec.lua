local client = require "support.client"
local eventually = require "support.eventually"
local gate = require "support.gate"

local function with_queue(text) return "queue = " .. text .. ",\n" .. gate.policy end

local function targets(g)
  local list = {}
  for i, request in ipairs(g:requests()) do list[i] = request.target end
  return list
end

-- The slot is free again, and nobody has it by mistake.
local function serves_again(n, g, path)
  g:open(path)
  assert.equal(path, n:get(path).body)
end

describe("a request that finds no free slot", function()
  it("waits, and those that wait are served as they came", function()
    local g = gate.start()
    local n = gate.before { g }
    local clients = { gate.send(n, "/1") }
    eventually(function() return #g:requests() == 1 end)
    for i = 2, 5 do clients[i] = gate.send(n, "/" .. i) end
    for i = 1, 5 do g:open("/" .. i) end
    for i = 1, 5 do assert.same({ 200, "/" .. i }, { gate.answer(clients[i]) }) end
    assert.same({ "/1", "/2", "/3", "/4", "/5" }, targets(g))
    n:wait_log "END /1 200 1 0%.000 "
    local queued = tonumber(n:wait_log "END /5 200 1 (%S+) ")
    assert.is_true(queued > 0 and queued < 5, queued)
  end)

  it("is not overtaken by one that comes when the slot is just free", function()
    local g = gate.start()
    local n = gate.before { g }
    local first = gate.send(n, "/1")
    eventually(function() return #g:requests() == 1 end)
    local second = gate.send(n, "/2")
    g:open "/1"
    g:open "/2"
    g:open "/3"
    -- the next request of the first client is there before its first one is answered
    first:send "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"
    assert.same({ 200, "/1" }, { gate.answer(first) })
    assert.same({ 200, "/3" }, { gate.answer(first) })
    assert.same({ 200, "/2" }, { gate.answer(second) })
    assert.same({ "/1", "/2", "/3" }, targets(g))
  end)

  it("is answered with 503 when queue.timeout is over", function()
    local g = gate.start()
    local n = gate.before({ g }, with_queue "{ timeout = 0.1 }")
    local holder = gate.send(n, "/1")
    eventually(function() return #g:requests() == 1 end)
    local c = gate.send(n, "/2")
    assert.same({ 503, "queue timed out" }, { gate.answer(c) })
    local queued = tonumber(n:wait_log "END /2 503 0 (%S+) queue timed out")
    assert.is_true(queued >= 0.1)
    g:open "/1"
    assert.equal(200, (gate.answer(holder)))
    serves_again(n, g, "/3")
    assert.equal(2, #g:requests())
  end)

  it("is refused when queue.length wait already", function()
    local g = gate.start()
    local n = gate.before({ g }, with_queue "{ length = 2 }")
    local clients = {}
    for i = 1, 3 do
      clients[i] = gate.send(n, "/" .. i)
      if i == 1 then eventually(function() return #g:requests() == 1 end) end
      g:open("/" .. i + 1)
    end
    assert.same({ 503, "queue is full" }, { gate.answer(gate.send(n, "/4")) })
    g:open "/1"
    for i = 1, 3 do assert.same({ 200, "/" .. i }, { gate.answer(clients[i]) }) end
    serves_again(n, g, "/5")
  end)

  it("is refused at once where there is no queue", function()
    for _, queue in ipairs { "{ length = 0 }", "false" } do
      local g = gate.start()
      local n = gate.before({ g }, with_queue(queue))
      local holder = gate.send(n, "/1")
      eventually(function() return #g:requests() == 1 end)
      assert.same({ 503, "every backend is busy" }, { gate.answer(gate.send(n, "/2")) })
      n:wait_log "END /2 503 0 0%.000 every backend is busy"
      g:open "/1"
      assert.equal(200, (gate.answer(holder)))
    end
  end)

  it("gives its place away when the client leaves", function()
    local g = gate.start()
    local n = gate.before { g }
    local holder = gate.send(n, "/1")
    eventually(function() return #g:requests() == 1 end)
    local closing, resetting = gate.send(n, "/2"), gate.send(n, "/3")
    local pipelining, last = gate.send(n, "/4"), gate.send(n, "/5")
    closing:close()
    resetting:reset()
    pipelining:send "GET /more HTTP/1.1\r\nHost: a\r\n\r\n"
    pipelining:close()
    for _, path in ipairs { "/2", "/3", "/4" } do
      n:wait_log("END " .. path .. " 0 0 %S+ client left")
    end
    g:open "/1"
    g:open "/5"
    assert.equal(200, (gate.answer(holder)))
    assert.same({ 200, "/5" }, { gate.answer(last) })
    assert.same({ "/1", "/5" }, targets(g))
    serves_again(n, g, "/6")
  end)

  it("is still held to timeouts.request", function()
    local g = gate.start()
    local n = gate.before({ g }, "timeouts = { request = 0.2 },\n" .. gate.policy)
    local holder = gate.send(n, "/1")
    eventually(function() return #g:requests() == 1 end)
    local c = gate.send(n, "/2")
    assert.same({ 504, "the request's deadline is over" }, { gate.answer(c) })
    assert.equal(504, (gate.answer(holder)))
    serves_again(n, g, "/3")
  end)

  it("is served while neap drains", function()
    local g = gate.start()
    local n = gate.before { g }
    local holder = gate.send(n, "/1")
    eventually(function() return #g:requests() == 1 end)
    local c = gate.send(n, "/2")
    n:signal "QUIT"
    n:wait_log "draining"
    g:open "/1"
    g:open "/2"
    assert.same({ 200, "/1" }, { gate.answer(holder) })
    assert.same({ 200, "/2" }, { gate.answer(c) })
    assert.equal(0, n:wait())
  end)

  it("is cut off with all others when the drain is over, or at a stop", function()
    for _, signal in ipairs { "QUIT", "TERM" } do
      local g = gate.start()
      local n = gate.before({ g }, "timeouts = { drain = 0.1 },\n" .. gate.policy)
      local holder = gate.send(n, "/1")
      eventually(function() return #g:requests() == 1 end)
      local c = gate.send(n, "/2")
      n:signal(signal)
      assert.is_true(holder:closed())
      assert.is_true(c:closed())
      assert.equal(0, n:wait())
    end
  end)

  it("keeps its body for when its turn comes", function()
    local g = gate.start()
    local n = gate.before { g }
    local holder = gate.send(n, "/1")
    eventually(function() return #g:requests() == 1 end)
    local body = ("x"):rep(200000)
    local c = client.connect(n.address)
    c:send("POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" .. body:sub(1, 100))
    n:wait_log "SEEN /2\n"
    g:open "/1"
    g:open "/2"
    assert.equal(200, (gate.answer(holder)))
    c:send(body:sub(101))
    assert.same({ 200, "/2" }, { gate.answer(c) })
    assert.equal(200000, g:requests()[2].length)
  end)
end)
