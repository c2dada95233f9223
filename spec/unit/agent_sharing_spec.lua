-- Changes that balancers share, with a clock and memory that the spec makes up.
local agent = require "support.agent"

describe("changes that balancers share", function()
  it("are read when there was no memory for it before", function()
    local world, asked, is_short = agent.new(), 0, true
    local spawn = world.host.spawn
    function world.host.spawn(fn, on_end, is_own)
      if not is_own then return spawn(fn, on_end) end
      asked = asked + 1
      if is_short then return nil end
      return spawn(function() return world.sleep(1e9) end, on_end)
    end
    world:start { pools = { world.pool { backends = { "http://a" } } }, admin = { share = {
      name = "edge1", etcd = { endpoints = { "http://127.0.0.1:1" }, prefix = "/neap/" } } } }
    world:run(1)
    assert.is_true(asked > 2)
    assert.equal(1, world:count "^error shared: out of memory")
    is_short = false
    world:run(20)
    local before = asked
    world:run(20)
    assert.equal(before, asked)
  end)
end)
