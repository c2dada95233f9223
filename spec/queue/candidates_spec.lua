local client = require "support.client"
local eventually = require "support.eventually"
local gate = require "support.gate"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"

local function refused(config, reason)
  local n = neap.start { config = config }
  local began = eventually.now()
  local response = n:get "/"
  assert.same({ 503, reason }, { response.status, response.headers["x-neap-error"] })
  assert.is_true(eventually.now() - began < 2 * eventually.slowness)
end

describe("where slots are not what is missing", function()
  it("nothing waits: the pool is empty", function()
    refused([[return { listen = "127.0.0.1:0", workers = 1,
      policy = { discover = function() return {} end } }]], "the pool is empty")
  end)

  it("nothing waits: all weights are 0", function()
    local web = origin.start()
    refused(([[return { listen = "127.0.0.1:0", workers = 1, health = { type = "none" },
      backends = { { url = %q, weight = 0, slots = 1 } } }]]):format(web.url),
      "no backend is up that has a weight above 0")
  end)

  it("nothing waits: all backends drain", function()
    local web = origin.start()
    refused(([[return {
      pools = { p = { backends = { { url = %q, slots = 1 } }, health = { type = "none" } } },
      services = { { listen = "127.0.0.1:0", pool = "p", policy = { request = function()
        for _, b in ipairs(require("neap").pool("p").all) do b:drain() end
      end } } },
    }]]):format(web.url), "all backends drain")
  end)
end)

describe("a policy's view that is empty", function()
  it("is told as such, while backends of the pool are up", function()
    local web = origin.start()
    refused(([[return { pools = { p = { backends = { %q }, health = { type = "none" } } },
      services = { { listen = "127.0.0.1:0", pool = "p", policy = { backends = function()
        return require("neap").pool("p"):where("name", "nobody")
      end } } } }]]):format(web.url), "the policy's view of the pool is empty")
  end)
end)

describe("a request that waits", function()
  it("takes a backend that comes up meanwhile", function()
    local address = net.refused()
    local g = gate.start()
    local n = neap.start {
      config = ([[return { listen = "127.0.0.1:0", workers = 1,
        health = { interval = 0.05, recheck = 0.05 },
        backends = { { url = %q, slots = 1 }, { url = "http://%s", slots = 1 } }, %s }]])
        :format(g.url, address, gate.policy),
    }
    n:wait_log "unknown → down"
    local holder = gate.send(n, "/1")
    eventually(function() return #g:requests() == 1 end)
    local c = gate.send(n, "/2")
    local late = origin.start { address = address, name = "late" }
    assert.same({ 200, "late" }, { gate.answer(c) })
    assert.equal(1, #late:requests())
    g:open "/1"
    assert.equal(200, (gate.answer(holder)))
  end)

  it("is answered at once when the last backend goes down", function()
    local g = gate.start()
    local n = neap.start {
      config = ([[return { listen = "127.0.0.1:0", workers = 1, health = { interval = 0.05 },
        backends = { { url = %q, slots = 1 } }, %s }]]):format(g.url, gate.policy),
    }
    local holder = gate.send(n, "/1")
    eventually(function() return #g:requests() == 1 end)
    local c = gate.send(n, "/2")
    g:kill()
    assert.equal(502, (gate.answer(holder)))
    assert.equal(502, (gate.answer(c))) -- it was its turn, and found nobody
  end)

  it("goes to the other backend when that is the first to be free", function()
    local a, b = gate.start(), gate.start()
    local n = gate.before { a, b }
    local clients = {}
    for i = 1, 3 do
      clients[i] = gate.send(n, "/" .. i)
      eventually(function() return #a:requests() + #b:requests() == math.min(i, 2) end)
    end
    for _, g in ipairs { a, b } do
      g:open "/2"
      g:open "/3"
    end
    assert.same({ 200, "/3" }, { gate.answer(clients[3]) })
    assert.equal(1, #a:requests())
  end)

  it("waits with what is left of its candidates after a failure", function()
    local g = gate.start()
    local dead = origin.start { connection = function(conn)
      conn:read_until "\r\n\r\n"
      conn:reset()
    end }
    local n = gate.before { g, dead }
    local holder = gate.send(n, "/1")
    eventually(function() return #g:requests() == 1 end)
    local c = gate.send(n, "/2")
    n:wait_log(("attempt 1 on %s failed"):format((dead.url:gsub("%p", "%%%0"))))
    g:open "/1"
    g:open "/2"
    assert.same({ 200, "/1" }, { gate.answer(holder) })
    assert.same({ 200, "/2" }, { gate.answer(c) })
    n:wait_log "END /2 200 2 "
  end)
end)

describe("a policy that says queue", function()
  it("is asked again when a request has ended", function()
    local g = gate.start()
    local n = gate.before({ g }, (gate.policy:gsub("request =", [[pick = function(_, pool)
      if pool[1].inflight >= 1 then return nil, "queue" end
      return pool[1]
    end,
    request =]])))
    local holder = gate.send(n, "/1")
    eventually(function() return #g:requests() == 1 end)
    local c = gate.send(n, "/2")
    g:open "/2"
    g:open "/1"
    assert.same({ 200, "/1" }, { gate.answer(holder) })
    assert.same({ 200, "/2" }, { gate.answer(c) })
  end)

  it("may wait itself before it says so, and keeps the request's place", function()
    local g = gate.start { slots = 9 }
    local n = gate.before({ g }, "queue = { timeout = 0.5 },\n" .. gate.policy:gsub("request =", [[
    pick = function(r, pool)
      require("neap").sleep(0.02)
      if pool[1].inflight >= 1 then return nil, "queue" end
      return pool[1]
    end,
    request =]]))
    local holder = gate.send(n, "/1")
    eventually(function() return #g:requests() == 1 end)
    local c = gate.send(n, "/2")
    assert.same({ 503, "queue timed out" }, { gate.answer(c) })
    local other = gate.send(n, "/3")
    g:open "/1"
    g:open "/3"
    assert.same({ 200, "/1" }, { gate.answer(holder) })
    assert.same({ 200, "/3" }, { gate.answer(other) })
    local leaving = client.connect(n.address)
    leaving:send "GET /4 HTTP/1.1\r\nHost: a\r\n\r\n"
    leaving:close()
    n:wait_log "END /4 0 "
  end)

  it("does not hold up those who could go elsewhere", function()
    local a, b = gate.start(), gate.start()
    local n = gate.before({ a, b }, (gate.policy:gsub("request =", [[pick = function(r, pool)
      local mine = pool.all[r.path:find "^/a" and 1 or 2]
      for i = 1, #pool do if pool[i] == mine then return mine end end
      return nil, "queue"
    end,
    request =]])))
    local holder = gate.send(n, "/a0")
    eventually(function() return #a:requests() == 1 end)
    local blocked = {}
    for i = 1, 20 do blocked[i] = gate.send(n, "/a" .. i) end
    b:open "/b"
    assert.same({ 200, "/b" }, { gate.answer(gate.send(n, "/b")) })
    for i = 0, 20 do a:open("/a" .. i) end
    assert.equal(200, (gate.answer(holder)))
    for i = 1, 20 do assert.same({ 200, "/a" .. i }, { gate.answer(blocked[i]) }) end
  end)

  it("that keeps failing leaves the decision to the default, which queues too", function()
    local g = gate.start()
    local n = gate.before({ g }, (gate.policy:gsub("request =", [[pick = function()
      error "no"
    end,
    request =]])))
    n:allow "hook pick"
    g:open "/ok"
    for _ = 1, 6 do assert.equal(200, n:get("/ok").status) end
    n:wait_log "keeps failing"
    local holder = gate.send(n, "/1")
    eventually(function() return #g:requests() == 7 end)
    local c = gate.send(n, "/2")
    g:open "/1"
    g:open "/2"
    assert.same({ 200, "/1" }, { gate.answer(holder) })
    assert.same({ 200, "/2" }, { gate.answer(c) })
  end)
end)
