-- What the agent keeps of others has a bound, whatever they say.
local damping = require "neap.agent.damping"

describe("what the agent keeps of registries", function()
  it("is of so many members that left, also when new names come and go all the time", function()
    local state, n = damping.new(), 0
    for turn = 1, 30 do
      local list = {}
      for i = 1, 2000 do list[i] = { name = ("member-%d-%d"):format(turn, i) } end
      damping.apply(state, list, turn / 100, 5)
    end
    for _ in pairs(state.records) do n = n + 1 end
    assert.equal(20000, n)
    assert.equal(20000, state.count)
    damping.apply(state, { { name = "one" } }, 1000, 5)
    assert.is_true(state.count <= 1)
  end)
end)
