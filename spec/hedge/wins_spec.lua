-- Which answer a client gets of a pool that hedges, and what the backends see of it.
local client = require "support.client"
local eventually = require "support.eventually"
local hedged = require "support.hedged"
local origin = require "support.origin"
local proxied = require "support.proxied"

local function requests(o, count)
  return eventually(function()
    local list = o:requests()
    return #list >= count and list
  end)
end

describe("a hedge", function()
  it("asks a second backend when the first one is slow, and its answer wins", function()
    local slow, fast = hedged.slow("slow", 20), origin.start { name = "fast" }
    local n = hedged.start({ slow, fast })
    local c = client.connect(n.address)
    local began = os.time()
    assert.equal("fast", c:request("GET", "/a?b=c", { ["X-One"] = "1" }).body)
    assert.is_true(os.time() - began < 10)
    assert.equal(slow:requests()[1].raw, fast:requests()[1].raw)
    hedged.settled(n)
    local counts = hedged.counts(n)
    assert.same({ 1, 1, 0 }, { counts.sent, counts.won, counts.refused })
    -- the connection goes on
    assert.equal("fast", c:request("GET", "/").body)
  end)

  it("closes the connection of the one that lost, and does not use it again", function()
    local slow, fast = hedged.slow("slow", 20), origin.start { name = "fast" }
    local n = hedged.start({ slow, fast })
    assert.equal("fast", n:get("/").body)
    eventually(function() return slow:open_connections() == 0 end)
    assert.equal("fast", n:get("/").body)
    assert.equal(2, slow:connections())
    assert.equal(1, fast:connections()) -- the winner's is kept
  end)

  it("is dropped when the first backend answers after all", function()
    local first, second = hedged.slow("first", 1.2), hedged.slow("second", 20)
    local n = hedged.start({ first, second })
    assert.equal("first", n:get("/").body)
    assert.equal(1, #requests(second, 1))
    eventually(function() return second:open_connections() == 0 end)
    hedged.settled(n)
    local counts = hedged.counts(n)
    assert.same({ 1, 0 }, { counts.sent, counts.won })
    assert.equal("first", n:get("/").body)
    assert.equal(1, first:connections()) -- that of the winner is kept
  end)

  it("does not begin when the answer comes in time", function()
    local first, second = origin.start { name = "first" }, origin.start { name = "second" }
    local n = hedged.start({ first, second }, { hedge = "after = 10, share = 1" })
    for _ = 1, 5 do assert.equal("first", n:get("/").body) end
    assert.equal(0, second:connections())
    assert.equal(0, hedged.counts(n).sent)
  end)

  it("does not begin once the head is there, however slow the body", function()
    local first = origin.start { handler = function(conn)
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
      conn:wait(0.6)
      conn:send "ok"
    end }
    local second = origin.start {}
    local n = hedged.start({ first, second })
    assert.equal("ok", n:get("/").body)
    assert.equal(0, second:connections())
  end)

  it("takes both for in flight", function()
    local slow, second = hedged.slow("slow", 20), hedged.slow("second", 20)
    local n = hedged.start({ slow, second })
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    requests(second, 1)
    assert.same({ 1, 1 }, hedged.inflight(n))
    c:close()
    hedged.settled(n)
    eventually(function()
      return slow:open_connections() == 0 and second:open_connections() == 0
    end)
  end)

  it("passes a large answer whole, and one in chunks", function()
    local body = ("0123456789abcdef"):rep(40000)
    local fast = origin.start { handler = function(conn, request)
      if request.target == "/large" then return body end
      conn:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. proxied.chunked { "one", "two" })
    end }
    local n = hedged.start({ hedged.slow("slow", 20), fast })
    assert.equal(body, n:get("/large").body)
    assert.equal("onetwo", n:get("/chunks").body)
  end)

  it("is sent what the hooks set, and its answer goes through them", function()
    local slow, fast = hedged.slow("slow", 20), origin.start { name = "fast" }
    local n = hedged.start({ slow, fast }, { policy = [[{
      request = function(request)
        request.ctx.word = "kept"
        request:set_header("X-Set", "yes")
        request:set_path("/other")
      end,
      pick = function(request, pool)
        request:set_header("X-Pick", pool[1].name .. request.attempt)
        return pool[1]
      end,
      response = function(request, backend, response)
        response:set_header("X-Word", request.ctx.word)
        response:set_header("X-Backend", backend.name)
      end,
      log = function(request, outcome)
        print(("LOG %s %s %d %s"):format(request.ctx.word, outcome.backend.name, outcome.attempts,
          outcome.reason))
      end }]] })
    local answer = n:get("/")
    assert.equal("fast", answer.body)
    assert.equal("kept", answer.headers["x-word"])
    assert.equal(fast.address, answer.headers["x-backend"])
    local got = fast:requests()[1]
    assert.same({ "/other", "yes", fast.address .. "2" },
      { got.target, got.headers["x-set"], got.headers["x-pick"] })
    assert.equal(slow.address .. "1", slow:requests()[1].headers["x-pick"])
    n:wait_log("LOG kept " .. fast.address .. " 2 ")
    assert.equal(1, n:count_log "LOG ")
  end)

  it("gets a body that is kept", function()
    local slow = hedged.slow("slow", 20)
    local fast = origin.start { handler = function(conn) return (conn:read_body()) end }
    local n = hedged.start({ slow, fast })
    local answer = client.request(n.address,
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nwords")
    assert.equal("words", answer.body)
  end)
end)
