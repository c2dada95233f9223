-- What happens to the balancer, its policy or the client while two backends are asked.
local client = require "support.client"
local eventually = require "support.eventually"
local hedged = require "support.hedged"
local origin = require "support.origin"

local function asked(o)
  eventually(function() return o:requests()[1] end)
end

local function both_closed(first, second)
  eventually(function()
    return first:open_connections() == 0 and second:open_connections() == 0
  end)
end

describe("while a hedge is under way", function()
  it("the client may leave or be reset", function()
    for _, how in ipairs { "close", "reset" } do
      local first, second = hedged.slow("first", 20), hedged.slow("second", 20)
      local n = hedged.start({ first, second })
      local c = client.connect(n.address)
      c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      asked(second)
      c[how](c)
      both_closed(first, second)
      hedged.settled(n)
    end
  end)

  it("clients may come and go at any time", function()
    local first, second = hedged.slow("first", 0.12), hedged.slow("second", 0.02)
    local n = hedged.start({ first, second })
    for _ = 1, 8 do
      local left = {}
      for i = 1, 12 do
        left[i] = client.connect(n.address)
        left[i]:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      end
      for i, c in ipairs(left) do
        if i % 3 == 0 then c:reset() elseif i % 3 == 1 then c:close() end
      end
      for i = 2, 12, 3 do assert.equal(200, left[i]:read_response().status) end
    end
    hedged.settled(n)
  end)

  it("requests may follow on the same connection", function()
    local n = hedged.start({ hedged.slow("first", 20), origin.start { name = "second" } })
    local c = client.connect(n.address)
    c:send(("GET / HTTP/1.1\r\nHost: a\r\n\r\n"):rep(3))
    for _ = 1, 3 do assert.equal("second", c:read_response().body) end
    hedged.settled(n)
  end)

  it("a graceful stop waits for the answer", function()
    local first, second = hedged.slow("first", 20), hedged.slow("second", 1)
    local n = hedged.start({ first, second })
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    asked(second)
    n:signal "QUIT"
    assert.equal("second", c:read_response().body)
    assert.equal(0, n:wait(20))
  end)

  it("a stop cuts both", function()
    local first, second = hedged.slow("first", 20), hedged.slow("second", 20)
    local n = hedged.start({ first, second })
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    asked(second)
    n:stop()
    both_closed(first, second)
    c:close()
  end)

  it("a reload goes on without it, and the answer comes", function()
    local first, second = hedged.slow("first", 20), hedged.slow("second", 1)
    local n = hedged.start({ first, second })
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    asked(second)
    n:signal "HUP"
    assert.equal("second", c:read_response().body)
    n:wait_log "reloaded: generation 2"
  end)

  it("its pick may wait, and is ended when the first backend answers", function()
    local first, second = hedged.slow("first", 1), origin.start { name = "second" }
    local policy = [[{ pick = function(request, pool)
        if request.attempt > 1 then
          request.ctx.waited = true
          neap.sleep(tonumber(request.query))
        end
        return pool:first()
      end,
      log = function(request) print("LOG " .. tostring(request.ctx.waited)) end }]]
    local n = hedged.start({ first, second }, { policy = policy })
    assert.equal("first", n:get("/?4").body)
    n:wait_log "LOG true"
    assert.equal(0, second:connections())
    assert.equal("second", n:get("/?0.01").body)
    hedged.settled(n)
  end)

  it("an error of its pick is the default's decision", function()
    local first, second = hedged.slow("first", 20), origin.start { name = "second" }
    local n = hedged.start({ first, second }, { allow = { "a mistake" }, policy = [[{
      pick = function(request, pool)
        if request.attempt > 1 then error "a mistake" end
        return pool:first()
      end }]] })
    assert.equal("second", n:get("/").body)
    n:wait_log "a mistake"
  end)

  it("`failed` of the first backend may wait, and is ended when the second one answers", function()
    local first = origin.start { connection = function(conn)
      conn:read_until "\r\n\r\n"
      conn:closed(0.8)
    end }
    local n = hedged.start({ first, hedged.slow("second", 1.2) }, { policy = [[{
      pick = function(_, pool) return pool:first() end,
      failed = function() print "FAILED" neap.sleep(4) return "retry" end }]] })
    local began = os.time()
    assert.equal("second", n:get("/").body)
    assert.is_true(os.time() - began < 4)
    n:wait_log "FAILED"
    hedged.settled(n)
  end)

  it("the limits that hooks set for the request hold for both", function()
    local first, second = hedged.slow("first", 20), hedged.slow("second", 20)
    local n = hedged.start({ first, second }, { policy = [[{
      request = function(request) request:timeouts { response = 0.5 } end,
      pick = function(_, pool) return pool:first() end,
      failed = function() return "fail" end }]] })
    assert.equal(504, n:get("/").status)
    both_closed(first, second)
    hedged.settled(n)
  end)
end)
