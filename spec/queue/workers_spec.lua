local client = require "support.client"
local eventually = require "support.eventually"
local gate = require "support.gate"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"

local TWO = "workers = 2,\n" .. gate.policy

-- The first request of a worker whose slot the others wait for.
local function hold(n, g)
  local c = gate.send(n, "/1", { worker = n:workers()[1] })
  eventually(function() return #g:requests() == 1 end)
  return c
end

local function busy_ticks(pid)
  local stat = io.open(("/proc/%d/stat"):format(pid)):read "*a"
  local user, system = stat:match "^.*%) %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ (%d+) (%d+)"
  return user + system
end

describe("with two workers", function()
  it("a slot is free as soon as the client has its answer, also for the other worker", function()
    local b = origin.start()
    local n = neap.start { config = neap.config({ b }, [[workers = 2, policy = {
      pick = function(_, pool)
        return pool.all[1].inflight == 0 and pool.all[1] or nil, "busy"
      end,
    }]]) }
    local refused = 0
    for _ = 1, 1000 do
      if n:get("/").status ~= 200 then refused = refused + 1 end
    end
    assert.equal(0, refused)
  end)

  it("a slot that one frees is taken by a request of the other, at once", function()
    local g = gate.start()
    local n = gate.before({ g }, TWO)
    local holder = hold(n, g)
    for i = 2, 30 do
      local c = gate.send(n, "/" .. i, { worker = n:workers()[i % 2 + 1] })
      g:open("/" .. i - 1)
      assert.equal(200, (gate.answer(holder)))
      holder = c
    end
    g:open "/30"
    assert.same({ 200, "/30" }, { gate.answer(holder) })
    -- a poll of 100 ms instead of a call would show
    local slow = 0
    for queued in n:log():gmatch "END /%d+ 200 1 (%S+)" do
      if tonumber(queued) > 0.09 then slow = slow + 1 end
    end
    assert.is_true(slow < 8, ("%d of 30 were slow"):format(slow))
  end)

  it("requests are served as they came, whichever worker has them", function()
    local g = gate.start()
    local n = gate.before({ g }, TWO)
    local clients = { hold(n, g) }
    for i = 2, 9 do
      clients[i] = gate.send(n, "/" .. i, { worker = n:workers()[i % 3 == 0 and 1 or 2] })
    end
    for i = 1, 9 do g:open("/" .. i) end
    for i = 1, 9 do assert.same({ 200, "/" .. i }, { gate.answer(clients[i]) }) end
    local order = {}
    for i, request in ipairs(g:requests()) do order[i] = request.target end
    assert.equal("/1 /2 /3 /4 /5 /6 /7 /8 /9", table.concat(order, " "))
  end)

  it("one that always has something to send does not starve the other", function()
    local g = gate.start()
    local n = gate.before({ g }, TWO)
    local clients = { hold(n, g) }
    for i = 2, 3 do clients[i] = gate.on(n, n:workers()[1]) end
    local waiting = gate.send(n, "/w", { worker = n:workers()[2] })
    g:open "/x"
    for i = 2, 3 do clients[i]:send(("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"):rep(50)) end
    g:open "/w"
    g:open "/1"
    assert.same({ 200, "/w" }, { gate.answer(waiting) })
    for i = 2, 3 do
      for _ = 1, 50 do assert.equal(200, (gate.answer(clients[i]))) end
    end
    local order = g:requests()
    assert.equal("/w", order[2].target)
  end)

  it("queue.length holds for both together", function()
    local g = gate.start()
    local n = gate.before({ g }, "queue = { length = 4 },\n" .. TWO)
    local clients = { hold(n, g) }
    for i = 2, 5 do clients[i] = gate.send(n, "/" .. i, { worker = n:workers()[i % 2 + 1] }) end
    for worker = 0, 1 do
      local c = gate.send(n, "/full" .. worker, { worker = n:workers()[worker + 1] })
      assert.same({ 503, "queue is full" }, { gate.answer(c) })
    end
    for i = 1, 5 do g:open("/" .. i) end
    for i = 1, 5 do assert.equal(200, (gate.answer(clients[i]))) end
  end)

  it("what a killed worker held is free for those who wait", function()
    local g = gate.start()
    local n = gate.before({ g }, TWO)
    hold(n, g)
    local waits_there = gate.send(n, "/2", { worker = n:workers()[1] })
    local waits_here = gate.send(n, "/3", { worker = n:workers()[2] })
    g:open "/3"
    n:allow "was killed by signal 9"
    process.signal(n:workers()[1], "KILL")
    assert.same({ 200, "/3" }, { gate.answer(waits_here) })
    assert.is_true(waits_there:closed())
    g:open "/4"
    eventually(function() return #n:workers() == 2 end)
    assert.equal("/4", n:get("/4").body)
  end)

  it("one that stands still does not keep the other waiting", function()
    local g = gate.start()
    local n = gate.before({ g }, TWO)
    local holder = hold(n, g)
    local stuck = gate.send(n, "/2", { worker = n:workers()[2] })
    local waiting = gate.send(n, "/3", { worker = n:workers()[1] })
    local pid = n:workers()[2]
    process.signal(pid, "STOP")
    for i = 1, 3 do g:open("/" .. i) end
    assert.equal(200, (gate.answer(holder)))
    assert.same({ 200, "/3" }, { gate.answer(waiting) })
    process.signal(pid, "CONT")
    assert.same({ 200, "/2" }, { gate.answer(stuck) })
  end)

  it("a backend never has more at a time than its slots", function()
    local current, peak = 0, 0
    local web = origin.start {
      handler = function(conn)
        current = current + 1
        peak = math.max(peak, current)
        conn:wait(0.001)
        current = current - 1
        return tostring(peak)
      end,
    }
    local n = neap.start {
      config = ([[return { listen = "127.0.0.1:0", workers = 2, health = { type = "none" },
        backends = { { url = %q, slots = 3 } } }]]):format(web.url),
    }
    local clients = {}
    for i = 1, 40 do
      clients[i] = client.connect(n.address)
      clients[i]:send(("GET / HTTP/1.1\r\nHost: a\r\n\r\n"):rep(10))
    end
    local last = 0
    for _, c in ipairs(clients) do
      for _ = 1, 10 do
        local status, seen = gate.answer(c)
        assert.equal(200, status)
        last = math.max(last, tonumber(seen))
      end
    end
    assert.equal(3, last)
  end)
end)

describe("1,000 requests that wait", function()
  it("cost nothing while they wait, and are all served", function()
    local g = gate.start()
    local n = gate.before({ g }, "queue = { timeout = 60 },\n" .. TWO)
    local holder = client.connect(n.address)
    holder:send "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return #g:requests() == 1 end)
    local clients = {}
    for i = 1, 1000 do
      clients[i] = client.connect(n.address)
      clients[i]:send "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
    end
    local leaving = client.connect(n.address)
    leaving:send "GET /last HTTP/1.1\r\nHost: a\r\n\r\n"
    leaving:close() -- all before it are read when its end is
    n:wait_log "END /last 0 "
    local before, workers = 0, n:workers()
    for _, pid in ipairs(workers) do before = before + busy_ticks(pid) end
    eventually.always(function() return #g:requests() == 1 end, 0.3)
    local after = 0
    for _, pid in ipairs(workers) do after = after + busy_ticks(pid) end
    assert.is_true(after - before <= 4 * eventually.slowness, after - before)
    g:open "/1"
    g:open "/x"
    assert.equal(200, (gate.answer(holder)))
    for i = 1, 1000 do assert.equal(200, (gate.answer(clients[i]))) end
    assert.equal(1001, #g:requests())
  end)
end)
