-- When a request gets no second backend.
local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local hedged = require "support.hedged"
local origin = require "support.origin"

-- The first backend answers late; the second one is never asked.
local function stays_with_first(n, second, ask)
  ask()
  assert.equal(0, second:connections())
  assert.equal(0, hedged.counts(n).sent)
end

describe("a hedge never begins", function()
  local first, second, n
  local function start(more)
    first, second = hedged.slow("first", 0.4), origin.start { name = "second" }
    n = hedged.start({ first, second }, more)
  end

  it("for methods that are not safe, even where they may be sent again", function()
    start { p = "retry = { unsafe = true }" }
    stays_with_first(n, second, function()
      for _, method in ipairs { "POST", "PUT", "DELETE", "PATCH", "FOO" } do
        local answer = client.request(n.address,
          method .. " / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        assert.equal("first", answer.body)
      end
    end)
  end)

  it("when the body is longer than what is kept", function()
    start { p = "retry = { body_bytes = 100 }" }
    stays_with_first(n, second, function()
      local answer = client.request(n.address,
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" .. ("x"):rep(300000))
      assert.equal("first", answer.body)
    end)
  end)

  it("while the body is still coming", function()
    start()
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx"
    eventually(function() return first:requests()[1] end)
    assert.equal("second", n:get("/").body) -- so the time of the one before is over, too
    c:send "x"
    assert.equal("first", c:read_response().body)
    assert.equal(1, #second:requests())
  end)

  it("for an upgrade", function()
    start()
    stays_with_first(n, second, function()
      local answer = client.request(n.address,
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
      assert.equal("first", answer.body)
    end)
  end)

  it("once a 1xx has gone to the client", function()
    first = origin.start { handler = function(conn)
      conn:send "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      conn:wait(0.4)
      return "first"
    end }
    second = origin.start {}
    n = hedged.start({ first, second })
    stays_with_first(n, second, function() assert.equal("first", n:get("/").body) end)
  end)

  it("when there is no other backend", function()
    first = hedged.slow("first", 0.4)
    n = hedged.start({ first })
    assert.equal("first", n:get("/").body)
    local counts = hedged.counts(n)
    assert.same({ 0, 0 }, { counts.sent, counts.refused })
  end)

  it("when the other one has no free slot, or pick wants none", function()
    first, second = hedged.slow("first", 0.4), origin.start {}
    n = hedged.start({ first, second }, { policy = [[{
      pick = function(request, pool)
        if request.attempt > 1 then return nil, request.query == "queue" and "queue" or "none" end
        return pool:first()
      end }]] })
    assert.equal("first", n:get("/").body)
    assert.equal("first", n:get("/?queue").body)
    assert.equal(0, second:connections())
    hedged.settled(n)
  end)

  it("for calls of gRPC", function()
    start()
    stays_with_first(n, second, function()
      client.request(n.address, "GET / HTTP/1.1\r\nHost: a\r\n"
        .. "Content-Type: application/grpc\r\n\r\n")
    end)
  end)
end)

describe("the share of a pool that may be hedged", function()
  local function burst(n, count)
    local all = {}
    for i = 1, count do
      all[i] = client.connect(n.address)
      all[i]:send "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    end
    for _, c in ipairs(all) do assert.equal(200, c:read_response().status) end
  end

  for _, workers in ipairs { 1, 2 } do
    it(("holds with %d worker(s)"):format(workers), function()
      local backends = { hedged.slow("a", 1.5), hedged.slow("b", 1.5) }
      local n = hedged.start(backends, { workers = workers, hedge = "after = 0.1, share = 0.1" })
      burst(n, 60)
      local counts = hedged.counts(n)
      assert.is_true(counts.sent >= 1 and counts.sent <= 6, counts.sent)
      assert.equal(60, counts.sent + counts.refused)
      assert.equal(60 + counts.sent, #backends[1]:requests() + #backends[2]:requests())
      hedged.settled(n)
      local values = admin.metrics(n)
      assert.equal(counts.sent, values['neap_hedge_requests_total{pool="p"}'])
      assert.equal(counts.refused, values['neap_hedge_refused_total{pool="p"}'])
      assert.equal(counts.won, values['neap_hedge_wins_total{pool="p"}'])
    end)
  end

  it("may be none", function()
    local n = hedged.start({ hedged.slow("a", 0.4), origin.start { name = "b" } },
      { hedge = "after = 0.1, share = 0" })
    assert.equal("a", n:get("/").body)
    assert.same({ 0, 1 }, { hedged.counts(n).sent, hedged.counts(n).refused })
  end)

  it("allows one at least", function()
    local n = hedged.start({ hedged.slow("a", 0.4), origin.start { name = "b" } },
      { hedge = "after = 0.1" })
    assert.equal("b", n:get("/").body)
    assert.equal("a", n:get("/").body)
  end)

  it("is counted over a reload", function()
    local n = hedged.start({ hedged.slow("a", 0.4), origin.start { name = "b" } })
    assert.equal("b", n:get("/").body)
    n:signal "HUP"
    n:wait_log "reloaded: generation 2"
    eventually(function() return hedged.counts(n).sent == 1 end)
    assert.equal(1, hedged.counts(n).won)
  end)
end)

describe("the config of a hedge", function()
  local function refused(hedge, why, more)
    local code, text = require("support.neap").check(
      ('return { backends = { "%s://h:1" }, hedge = %s, %s }'):format(more and "tcp" or "http",
        hedge, more or ""))
    assert.equal(1, code)
    assert.truthy(text:find(why, 1, true), text)
  end

  it("is refused when it is wrong", function()
    refused("{}", "hedge.after: missing")
    refused("{ after = 0 }", "hedge.after: 0 is")
    refused("{ after = -1 }", "hedge.after: -1 is")
    refused("{ after = 1, share = 2 }", "hedge.share: 2 is out of range")
    refused("true", "hedge: true is not a table")
    refused("{ after = 1, most = 2 }", "hedge.most: unknown key")
    refused("{ after = 1 }", "hedge: ", "mode = 'tcp'")
  end)
end)
