-- A hedge of which one fails, or both.
local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local hedged = require "support.hedged"
local net = require "support.net"
local origin = require "support.origin"
local scope = require "support.scope"

-- Closes the connection after so many seconds, without an answer.
local function dying(name, seconds)
  return origin.start { name = name, connection = function(conn)
    conn:read_until "\r\n\r\n"
    conn:closed(seconds)
  end }
end

local function failing(name, seconds)
  return origin.start { name = name, allow_errors = true, handler = function(conn)
    conn:closed(seconds)
    return { status = 503, body = name }
  end }
end

local DOWN = [[{ pick = function(_, pool) return pool:first() end,
  failed = function(request, backend, failure)
    print(("FAILED %s %d %s"):format(backend.name, request.attempt, failure.stage))
    return "retry"
  end }]]

describe("a hedge", function()
  it("goes on when the first backend fails", function()
    local first, second = dying("first", 0.8), hedged.slow("second", 1.4)
    local n = hedged.start({ first, second }, { policy = DOWN })
    assert.equal("second", n:get("/").body)
    n:wait_log("FAILED " .. first.address .. " 1 wait")
    hedged.settled(n)
    assert.equal(1, second:connections())
    local counts = hedged.counts(n)
    assert.same({ 1, 1 }, { counts.sent, counts.won })
  end)

  it("may fail while the first backend goes on", function()
    local first = hedged.slow("first", 1.2)
    local refused = net.refused()
    local n = hedged.start({ first, "http://" .. refused }, { policy = DOWN })
    assert.equal("first", n:get("/").body)
    n:wait_log("FAILED " .. refused .. " 2 connect")
    hedged.settled(n)
    assert.same({ 1, 0 }, { hedged.counts(n).sent, hedged.counts(n).won })
    assert.equal("first", n:get("/").body)
  end)

  it("marks down by default what fails, whichever of the two it is", function()
    local refused = net.refused()
    local n = hedged.start({ hedged.slow("first", 1.2), "http://" .. refused },
      { policy = "{ pick = function(_, pool) return pool:first() end }", allow = { "is dead" } })
    assert.equal("first", n:get("/").body)
    assert.equal("down", admin.backend(n, refused).state)
  end)

  it("is followed by a third attempt when both have failed", function()
    for _, times in ipairs { { 0.8, 0.8 }, { 1.5, 0.1 } } do
      local first, second = dying("first", times[1]), dying("second", times[2])
      local third = origin.start { name = "third" }
      local n = hedged.start({ first, second, third }, { policy = DOWN })
      assert.equal("third", n:get("/").body)
      assert.same({ 1, 1, 1 },
        { first:connections(), second:connections(), third:connections() })
      hedged.settled(n)
    end
  end)

  it("ends with 502 when both have failed and none is left", function()
    local n = hedged.start({ dying("first", 0.8), dying("second", 0.8) }, { policy = DOWN })
    local answer = n:get("/")
    assert.equal(502, answer.status)
    assert.equal("the backend closed the connection", answer.headers["x-neap-error"])
    hedged.settled(n)
  end)

  it("ends as `failed` of the first backend said, once the other one has failed, too", function()
    local policy = [[{ pick = function(_, pool) return pool:first() end,
      failed = function() return "fail" end }]]
    local n = hedged.start({ dying("first", 0.8), hedged.slow("second", 1.2) },
      { policy = policy })
    assert.equal("second", n:get("/").body)
    local third = origin.start {}
    n = hedged.start({ dying("first", 0.8), dying("second", 1), third }, { policy = policy })
    assert.equal(502, n:get("/").status)
    assert.equal(0, third:connections())
  end)

  it("is waited for when the first backend's answer counts as a failure", function()
    local n = hedged.start({ failing("first", 0.8), hedged.slow("second", 1.2) },
      { policy = DOWN, p = "retry = { status = { 503 } }" })
    assert.equal("second", n:get("/").body)
    n = hedged.start({ failing("first", 0.8), failing("second", 1) },
      { policy = DOWN, p = "retry = { status = { 503 } }" })
    local answer = n:get("/")
    assert.same({ 503, "first" }, { answer.status, answer.body })
    hedged.settled(n)
  end)

  it("may win after the first backend's time is over", function()
    local over = scope.directory() .. "/over"
    local first = origin.start { name = "first", connection = function(conn)
      conn:read_until "\r\n\r\n"
      conn:closed(20)
      scope.write(over, "")
    end }
    local second = origin.start { handler = function(conn)
      while not io.open(over, "rb") do conn:wait(0.02) end
      return "second"
    end }
    local n = hedged.start({ first, second }, { hedge = "after = 2, share = 1",
      p = "timeouts = { response = 3 }, retry = { attempts = 1 }" })
    assert.equal("second", n:get("/").body)
    hedged.settled(n)
  end)

  it("ends with the request's deadline", function()
    local first, second = hedged.slow("first", 20), hedged.slow("second", 20)
    local n = hedged.start({ first, second }, { service = "timeouts = { request = 0.5 }," })
    assert.equal(504, n:get("/").status)
    eventually(function()
      return first:open_connections() == 0 and second:open_connections() == 0
    end)
    hedged.settled(n)
  end)

  it("tries no other backend once its answer began and broke off", function()
    local second = origin.start { connection = function(conn)
      conn:read_until "\r\n\r\n"
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf"
      conn:wait(0.2)
    end }
    local third = origin.start {}
    local n = hedged.start({ hedged.slow("first", 20), second, third }, { allow = { "broke off" } })
    local c = client.connect(n.address)
    local answer = c:request("GET", "/")
    assert.same({ 200, "half", true }, { answer.status, answer.body, answer.truncated })
    assert.equal(0, third:connections())
    hedged.settled(n)
  end)

  it("is told of in stories", function()
    local n = hedged.start({ dying("first", 0.8), hedged.slow("second", 1.2) },
      { policy = DOWN, rest = "explain = { sample = 1 }" })
    assert.equal("second", n:get("/").body)
    local text = eventually(function()
      local code, out = require("support.neap").run { "explain", "--admin", n.admin }
      return code == 0 and out:find "hedge" and out
    end)
    for _, words in ipairs { "is slow: another one is asked", "pick → ", "attempt 1 on ",
      "answered first", "2 attempts" } do
      assert.truthy(text:find(words, 1, true), words .. "\n" .. text)
    end
    assert.equal(1, select(2, text:gsub("status 200", "")))
  end)
end)
