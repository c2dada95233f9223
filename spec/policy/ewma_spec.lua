local eventually = require "support.eventually"
local origin = require "support.origin"
local spread = require "support.spread"

local function waits(seconds)
  return function(conn)
    conn:wait(seconds)
    return conn.name
  end
end

describe("ewma", function()
  it("sends less to who is slow", function()
    local web = origin.several(2)
    web[3] = origin.start { name = "slow", handler = waits(0.08) }
    local counts = spread.one_by_one(spread.start(web, "'ewma'", { workers = 1 }), 90)
    -- All draws meet the slow one in one of 27 cases.
    assert.is_true((counts.slow or 0) <= 30, tostring(counts.slow))
    assert.is_true(counts.web1 >= 8 and counts.web2 >= 8)
  end)

  it("tries one again after a while", function()
    local web = { origin.start { name = "quick" },
      origin.start { name = "moody", handler = function(conn, request)
        if request.target == "/slow" then conn:wait(0.2) end
        return conn.name
      end } }
    local n = spread.start(web, "require 'neap.policy.ewma' { decay = 0.2 }", { workers = 1 })
    spread.one_by_one(n, 12, "/slow")
    eventually(function() return (spread.one_by_one(n, 20).moody or 0) >= 5 end)
  end)

  it("does not flood a new one before it has answered", function()
    local web = { origin.start { name = "quick" },
      origin.start { name = "new", handler = waits(0.5) } }
    local n
    repeat n = spread.start(web, "'ewma'", { workers = 1 }) until n:get("/").body == "quick"
    -- One at first, then only where both draws meet it: one in eight.
    local counts = spread.at_once(n, 20)
    assert.is_true((counts.new or 0) <= 11, tostring(counts.new))
  end)
end)
