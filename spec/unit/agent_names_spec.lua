-- When the agent looks names up, and what of the answers it keeps.
local agent = require "support.agent"

describe("the agent's names", function()
  local world
  local URL = "http://web.test:80"

  before_each(function()
    world = agent.new()
    world.addresses["web.test"] = { "192.0.2.1" }
  end)

  local function start(seconds)
    world:start { pools = { world.pool { backends = { URL } } } }
    world:run(seconds)
  end

  local function lookups() return #world.lookups end

  local function addresses() return world.board.rows[world:slot(URL)].addresses end

  it("are looked up by their time to live, which may be 0, and every 30 s without one", function()
    for _, case in ipairs { { 0, 5 }, { 3, 5 }, { 60, 60 }, { 900, 300 }, { -1, 30 } } do
      world = agent.new()
      world.addresses["web.test"], world.ttl = { "192.0.2.1" }, case[1]
      start(case[2] - 1)
      assert.equal(1, lookups())
      world:run(2)
      assert.equal(2, lookups())
    end
  end)

  it("keep the addresses of a family about which nobody answered", function()
    world.addresses["web.test"], world.ttl = { "192.0.2.1", "2001:db8::1" }, 5
    start(1)
    world.addresses["web.test"], world.missing = { "192.0.2.9" }, 6
    world:run(6)
    assert.same({ "192.0.2.9", "2001:db8::1" }, addresses())
    world.missing = 0
    world:run(6)
    assert.same({ "192.0.2.9" }, addresses())
  end)

  it("are looked up again when there are other servers", function()
    world.ttl = 300
    start(10)
    assert.equal(1, lookups())
    world.dns_changes = 1
    world:run(2)
    assert.equal(2, lookups())
    world:run(10)
    assert.equal(2, lookups())
  end)
end)
