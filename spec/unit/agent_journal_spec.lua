-- What an agent leaves to the next one, and by which rules that reads it.
local agent = require "support.agent"
local journal = require "neap.agent.journal"
local load = require "neap.config.load"

describe("what an agent leaves", function()
  local EVERYTHING = {
    url = "http://web.test:81/base", name = "one", weight = 7, tier = 2, zone = "a", slots = 9,
    send_proxy = 2, health = { address = "other.test", port = 82 },
    tags = { size = 1.5, big = true, word = "x" },
  }

  local function list(...) return assert(load.backends({ ... }, "backends")) end

  it("is all that a config can say of a backend", function()
    local pool = { name = "web" }
    local defs = list(EVERYTHING, "http://h", "unix:/a", { url = "http://h:2", slots = false })
    journal.note(pool, defs, "discover", 12.5)
    local entry = journal.read(journal.text { pool }).web
    assert.equal("discover", entry.origin)
    assert.equal(12.5, entry.answered)
    assert.same(defs, assert(load.backends(entry.list, "backends")))
  end)

  it("is nothing when it cannot be read", function()
    for _, text in ipairs { "", "{", "null", "[]", '{"web":{"list":null}}' } do
      local all = journal.read(text)
      assert.is_nil(all.web and all.web.list)
    end
    assert.same({}, journal.read(nil))
  end)

  local PIPE = { { name = "s", mode = "http", pool = "web" } }

  it("is checked as a config is", function()
    local pool = { name = "web", health = { type = "icmp" } }
    assert.is_nil((load.backends({ "tcp://h:1" }, "discover", pool, PIPE)))
    assert.is_nil((load.backends({ "unix:/a" }, "discover", pool, PIPE)))
    local tcp = { { mode = "tcp", pool = "web" } }
    assert.is_nil((load.backends({ "http://h" }, "discover", pool, tcp)))
    assert.equal(1, #load.backends({ "http://h" }, "discover", pool, PIPE))
  end)

  -- An agent over what others left.
  local function start(own, kept, earlier)
    local world = agent.new()
    local config = { services = PIPE, pools = { world.pool {
      backends = own, hooks = { discover = function() world.sleep(5) end },
    } } }
    world:start(config, kept, earlier)
    return world
  end

  local function urls(world)
    local found = {}
    for i, member in ipairs(world.agent.pools[1].members) do found[i] = member.url end
    return table.concat(found, " ")
  end

  it("counts more than the config's list, as far as discover said it", function()
    local said = { web = { list = { "http://h:2" }, origin = "discover", answered = 1 } }
    local file = { web = { list = { "http://h:3" }, origin = "file" } }
    assert.equal("http://h:2", urls(start({ "http://h:1" }, said)))
    assert.equal("http://h:2", urls(start({ "http://h:1" }, {}, said)))
    assert.equal("http://h:1", urls(start({ "http://h:1" }, {}, file)))
    assert.equal("http://h:3", urls(start({}, {}, file)))
    assert.equal("http://h:2", urls(start({}, said, file)))
  end)

  it("is left alone when it does not go with this config, loudly", function()
    local earlier = { web = { list = { "tcp://h:2" }, origin = "discover" } }
    local world = start({ "http://h:1" }, {}, earlier)
    assert.equal("http://h:1", urls(world))
    assert.equal(1, world:count "do not go with this config and are forgotten: .*tcp://h:2")
  end)
end)
