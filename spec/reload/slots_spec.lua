local client = require "support.client"
local eventually = require "support.eventually"
local gate = require "support.gate"

local QUEUE = "queue = { timeout = 0.1 },\n" .. gate.policy

local function reload(n, number)
  n:signal "HUP"
  n:wait_log(("reloaded: generation %d serves"):format(number), 10)
end

-- A request that the first generation has under way, and `count` reloads.
local function held_over(g, n, count)
  local c = gate.send(n, "/held")
  eventually(function() return #g:requests() == 1 end)
  for i = 1, count do reload(n, i + 1) end
  return c
end

describe("a slot that an earlier generation holds", function()
  it("is taken for the next one too, and free again when that request ends", function()
    local g = gate.start()
    local n = gate.before({ g }, QUEUE)
    local c = held_over(g, n, 1)
    local answer = client.get(n.address, "/late")
    assert.same({ 503, "queue timed out" }, { answer.status, answer.headers["x-neap-error"] })
    g:open "/held"
    g:open "/free"
    assert.same({ 200, "/held" }, { gate.answer(c) })
    eventually(function() return client.get(n.address, "/free").status == 200 end)
  end)

  it("counts once, however many generations came since", function()
    local g = gate.start { slots = 2 }
    local n = gate.before({ g }, QUEUE)
    local c = held_over(g, n, 3)
    g:open "/free"
    assert.equal(200, client.get(n.address, "/free").status)
    g:open "/held"
    assert.equal(200, (gate.answer(c)))
  end)
end)
