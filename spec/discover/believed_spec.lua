-- What of a registry's words is believed, with a clock of its own: a page that lists what the spec
-- says.
local agent = require "support.agent"

describe("a registry", function()
  local world, pool, said, page

  -- The page: hands over what the spec put into `said`, or fails as it says.
  local function follow(_, registry)
    while true do
      if said.why then return nil, said.why end
      if said.list then registry:list(said.list, said.revision) else registry:same() end
      said.list = nil
      world.sleep(0.1)
    end
  end

  local function start(settings, own, earlier)
    local defaults = { type = "of_spec", scheme = "http", empty = "keep", flaps = 5,
      max_members = 100 }
    for key, value in pairs(settings or {}) do defaults[key] = value end
    world = agent.new()
    local config = world.pool { backends = own }
    config.discover = defaults
    world:start({ services = { { name = "s", mode = "http", pool = "web" } },
      pools = { config } }, nil, earlier)
    pool = world.agent.pools[1]
  end

  before_each(function()
    said, page = {}, package.loaded["neap.discover.of_spec"]
    package.loaded["neap.discover.of_spec"] = follow
  end)

  after_each(function() package.loaded["neap.discover.of_spec"] = page end)

  local function say(...)
    said.why, said.list = nil, { ... }
    world:run(0.3)
  end

  local function names()
    local found = {}
    for i, member in ipairs(pool.members) do found[i] = member.name end
    return table.concat(found, " ")
  end

  it("is followed: what it lists serves", function()
    start()
    said.revision = 7
    say("a:1", { url = "https://b:2", weight = 3, zone = "z" })
    assert.equal("a:1 b:2", names())
    assert.equal(3, pool.by_name["b:2"].def.weight)
    assert.equal("7", pool.revision)
    say "b:2"
    assert.equal("b:2", names())
    assert.equal(1, world:count "1 more, 0 fewer" + world:count "2 more, 0 fewer, now 2")
  end)

  it("that is away leaves the last list, and is told once", function()
    start()
    say "a:1"
    said.why = "connection refused"
    world:run(60)
    assert.equal("a:1", names())
    assert.equal(1, world:count "connection refused; its backends stay as they are")
    assert.equal("connection refused", pool.discover_failure)
    say "b:1"
    world:run(20)
    assert.equal("b:1", names())
    assert.equal(1, world:count "works again")
  end)

  it("that fails once and works again is not told of", function()
    start()
    say "a:1"
    said.why = "closed"
    world:run(0.15)
    said.why = nil
    world:run(2)
    assert.equal(0, world:count "closed")
  end)

  it("lets the config's backends serve until it answers", function()
    start({}, { "http://own:1" })
    said.why = "away"
    world:run(1)
    assert.equal("own:1", names())
    assert.is_true(world.is_ready)
    say "a:1"
    world:run(20)
    assert.equal("a:1", names())
  end)

  it("that says nothing is there is not believed, or after a while, or at once", function()
    start()
    say "a:1"
    say()
    world:run(100)
    assert.equal("a:1", names())
    assert.equal(1, world:count "the list is empty")
    start { empty = 5 }
    say "a:1"
    say()
    world:run(4)
    assert.equal("a:1", names())
    world:run(2)
    assert.equal("", names())
    start { empty = "believe" }
    say "a:1"
    say()
    assert.equal("", names())
  end)

  it("that lists nothing from the start, as a mistyped prefix does, is told of once", function()
    start()
    say()
    world:run(60)
    assert.equal(1, world:count "the list is empty: it has no backends")
    said.why = "closed"
    world:run(60)
    assert.equal(1, world:count "closed; it has no backends yet")
    say "a:1"
    world:run(20)
    assert.equal("a:1", names())
  end)

  it("does not stop good members by bad ones", function()
    start()
    say("a:1", "b:1", { url = "c:1", wieght = 2 })
    assert.equal("a:1 b:1", names())
    assert.equal(1, world:count "1 of its members is left out: c:1: wieght: unknown key; did you")
    assert.equal(1, pool.registry.left_out)
  end)

  it("that lists nonsense changes nothing", function()
    start()
    say "a:1"
    local long = ("x"):rep(1e6)
    for _, list in ipairs { { 1, 2, 3 }, { "b:1", "a b", "c d" }, { { weight = 1 } }, { long },
      { { url = "b:1", name = long } }, { { url = "b:1", tags = { a = {} } } }, { 0 / 0 },
      { { url = "b:1\nerror: forged" } } } do
      said.list, said.why = list, nil
      world:run(0.3)
      assert.equal("a:1", names())
      assert.is_truthy(pool.discover_failure:find "members are not backends")
      assert.is_true(#pool.discover_failure < 500)
      assert.is_nil(pool.discover_failure:find "\n")
    end
  end)

  it("may list the same member twice, but not two of one name", function()
    start()
    say("a:1", "a:1", { url = "a:1" })
    assert.equal("a:1", names())
    say("a:1", { url = "b:1", name = "a:1" }, "c:1")
    assert.equal("a:1 c:1", names())
    assert.equal(1, world:count "another member has its name already")
  end)

  it("may not list more than max_members", function()
    start { max_members = 3 }
    say "a:1"
    say("a:1", "b:1", "c:1", "d:1")
    assert.equal("a:1", names())
    assert.equal(1, world:count "4 members, which are too many %(discover.max_members is 3")
  end)

  it("of another cluster is heard of", function()
    start { cluster = "prod" }
    say("a:1", { url = "b:1", cluster = "prod" }, { url = "c:1", cluster = "test" })
    assert.equal("a:1 b:1", names())
    assert.equal(1, world:count "another cluster writes to the same place")
  end)

  it("holds out what comes and goes, until it is quiet", function()
    start { flaps = 3 }
    for _ = 1, 3 do
      say("a:1", "b:1", "c:1")
      say("b:1", "c:1")
    end
    say("a:1", "b:1", "c:1")
    assert.equal("b:1 c:1", names())
    assert.equal(1, world:count "http://a:1 comes and goes")
    assert.same("a:1", pool.registry.held[1])
    world:run(60)
    assert.equal("a:1 b:1 c:1", names())
  end)

  it("that comes and goes as a whole is not held out", function()
    start { flaps = 2, empty = "believe" }
    for _ = 1, 5 do
      say "a:1"
      say()
    end
    say "a:1"
    assert.equal("a:1", names())
  end)

  it("drains members, and lets them serve again", function()
    start()
    say({ url = "a:1", drain = "terminating" }, "b:1")
    assert.equal("drain", world:state "http://a:1")
    assert.equal("drained by its registry: terminating",
      world.board.condition(pool.by_name["a:1"].slot).reason)
    say("a:1", "b:1")
    assert.are_not.equal("drain", world:state "http://a:1")
  end)

  it("is known to the next agent, with revisions and ages", function()
    start()
    said.revision = 5
    say "a:1"
    world:run(3)
    local journal = require "neap.agent.journal"
    local left = journal.read(journal.text(world.agent.pools))
    local since = pool.marks["a:1"].since
    start({}, nil, left)
    said.why = "away"
    world:run(2)
    assert.equal("a:1", names())
    assert.equal("5", pool.revision)
    assert.same({ since = since, revision = "5" }, pool.marks["a:1"])
    said.revision = 9
    say("a:1", "b:1")
    world:run(2)
    assert.equal("5", pool.marks["a:1"].revision)
    assert.equal("9", pool.marks["b:1"].revision)
  end)
end)
