-- A request that has very many dead backends before it.

local cpu = require "support.cpu"
local eventually = require "support.eventually"
local net = require "support.net"
local neap = require "support.neap"

local COUNT = 3000

describe("with thousands of dead backends", function()
  it("a request tries each once, in a time that goes by their number", function()
    local dead, backends = net.refused(), {}
    for i = 1, COUNT do backends[i] = ("http://%s/%d"):format(dead, i) end
    local n = neap.start {
      config = neap.config(backends, [[health = { type = "none" },
        policy = { failed = function() return "retry" end,
          log = function(_, outcome)
            require("neap").log.info("tried %d", outcome.attempts)
          end }]]),
    }
    local worker = n:workers()[1]
    local before = cpu.seconds(worker)
    assert.equal(502, n:get("/").status)
    n:wait_log("tried " .. COUNT)
    local used = cpu.seconds(worker) - before
    assert.is_true(used < 3 * eventually.slowness, ("%.1f s"):format(used))
  end)
end)
