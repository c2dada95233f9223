-- Limits that several balancers have in common, by a real Redis: docs/limits.md says what is
-- promised, and this is that.

local common_limit = require "support.common_limit"
local eventually = require "support.eventually"
local redis = require "support.redis"

local RATE, BURST, SECONDS = 40, 40, 5
local LIMIT = ("rate = %d, burst = %d"):format(RATE, BURST)
local EXCHANGE = 0.5 -- seconds from one to the next, at most, on a machine that is busy

local function balancers(server, count, limit, more)
  local list = {}
  for i = 1, count do list[i] = common_limit.start(server.address, limit or LIMIT, more) end
  for _, n in ipairs(list) do
    eventually(function() return common_limit.status(n).balancers == count end, 10)
  end
  return list
end

local function say(text, ...)
  if os.getenv "NEAP_SPEC_FIGURES" then io.stderr:write(text:format(...), "\n") end
end

describe("a limit that balancers have in common", function()
  it("lets three pass no more than is promised, and not less than one may", function()
    local three = balancers(redis.start(), 3)
    local n, took = common_limit.passed(three, "k", SECONDS)
    local fair = RATE * took + BURST
    say("three balancers: %d passed in %.2f s; rate × time + burst = %d", n, took, fair)
    assert.is_true(n <= fair + 2 * BURST + 4 * RATE * EXCHANGE, ("%d of %d"):format(n, fair))
    assert.is_true(n >= 0.9 * fair, ("%d of %d"):format(n, fair))
  end)

  it("lets all pass on one machine when nobody asks the others", function()
    local three = balancers(redis.start(), 3)
    local n, took = common_limit.passed({ three[1] }, "k", SECONDS)
    local fair = RATE * took + BURST
    say("one of three: %d passed in %.2f s; rate × time + burst = %d", n, took, fair)
    assert.is_true(n >= 0.9 * fair and n <= fair + 1, ("%d of %d"):format(n, fair))
  end)

  it("gives no more than one more burst to who goes from machine to machine", function()
    local three = balancers(redis.start(), 3, "rate = 1, per = 100, burst = 30")
    local n = 0
    for _ = 1, 3 do
      for _, one in ipairs(three) do n = n + common_limit.passed({ one }, "k", 0.3) end
    end
    say("in turn: %d of a burst of 30", n)
    assert.is_true(n >= 27 and n <= 60, n)
    for _, one in ipairs(three) do assert.equal(0, common_limit.passed({ one }, "k", 0.2)) end
  end)

  it("lets one pass on each machine at least, however small it is", function()
    local three = balancers(redis.start(), 3, "rate = 1, per = 100, burst = 1")
    local n = common_limit.passed(three, "k", 0.5)
    assert.is_true(n >= 1 and n <= 3, n)
    assert.equal(0, common_limit.passed(three, "k", 0.3))
  end)

  it("leaves nothing in Redis when a key has its burst again", function()
    local server = redis.start()
    local one = balancers(server, 1, "rate = 2, burst = 5")[1]
    assert.equal(5, common_limit.passed({ one }, "k", 0.1))
    eventually(function() return server:call("keys", "neap:common:l:*"):find "/k" end)
    assert.is_true(tonumber(server:call("pttl", "neap:common:balancers")) > 0)
    eventually(function() return not server:call("keys", "neap:common:l:*"):find "/k" end)
  end)

  it("forgets a balancer that is gone", function()
    local server = redis.start()
    local two = balancers(server, 2)
    two[2]:stop()
    eventually(function() return common_limit.status(two[1]).balancers == 1 end, 10)
  end)
end)
