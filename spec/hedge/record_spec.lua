-- What a recording has of a hedge, and what a replay makes of it.
local hedged = require "support.hedged"
local origin = require "support.origin"
local replay = require "support.replay"

-- The second of two backends is as slow as a hedge needs it; the turn is the default policy's.
local function record(policy, more)
  local n = hedged.start({ hedged.slow("slow", 20), origin.start {}, origin.start {} },
    { policy = policy, hedge = "after = 0.05, share = 1", p = more })
  return replay.record(n, { "--count", 9 }, function()
    for i = 1, 9 do assert.equal(200, n:get("/" .. i).status) end
  end)
end

describe("a recording", function()
  for _, policy in ipairs { "round_robin", "random", "least_connections" } do
    it("has the pick of a hedge, and the same policy decides the same again: " .. policy, function()
      local path = record(("%q"):format(policy))
      local picks = 0
      for _, request in ipairs(replay.lines(path).requests) do
        local first, second = request.steps[1], request.steps[2]
        if second then
          picks = picks + 1
          assert.equal("pick", second.ask)
          assert.same({ first.backend }, second.tried)
          assert.not_equal(first.backend, second.backend)
          assert.equal(2, request.outcome.attempts)
        end
      end
      assert.is_true(picks > 0, picks)
      local result = replay.json(path, policy)
      assert.same({}, result.rows)
      assert.equal(9 + picks, result.decisions)
      assert.equal(0, result.bad_lines.count)
    end)
  end

  it("leaves out a request whose hooks overlap", function()
    local slow = origin.start { connection = function(conn)
      conn:read_until "\r\n\r\n"
      conn:closed(0.2)
    end }
    local n = hedged.start({ slow, hedged.slow("second", 0.1) }, { policy = [[{
      pick = function(request, pool)
        if request.attempt == 2 then neap.sleep(0.3) end
        return pool:first()
      end,
      failed = function() return "retry" end }]], hedge = "after = 0.1, share = 1" })
    local path, said = replay.record(n, { "--seconds", 2 }, function()
      assert.equal("second", n:get("/").body)
    end)
    assert.same({}, replay.lines(path).requests)
    assert.matches("1 more were lost", said)
  end)
end)
