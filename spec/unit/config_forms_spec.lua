local case = require "unit.config_case"

local A, B = "'http://127.0.0.1:1'", "'http://127.0.0.1:2'"

local function refused(text, expected)
  local config, why = case.load("return " .. text)
  assert.is_nil(config, text)
  assert.truthy(why:find(expected, 1, true), text .. "\ngives " .. why)
end

describe("the forms of a config", function()
  it("give one service and its pool in the short one", function()
    local config = case.load("return { backends = { " .. A .. " }, keepalive = { idle = 3 } }")
    assert.equals(1, #config.services)
    assert.equals(1, #config.pools)
    assert.equals(":8080", config.services[1].name)
    assert.equals(":8080", config.services[1].pool)
    assert.equals(":8080", config.pools[1].name)
    assert.equals(3, config.pools[1].keepalive.idle)
    assert.equals("", config.services[1].key)
    assert.equals("policy", config.services[1].policy_key)
    assert.equals("backends[1]", config.pools[1].backends[1].key)
  end)

  it("give pools in the order of their names, then those of services", function()
    local config = case.load(([[return {
      services = {
        { listen = ":11", pool = "b" },
        { listen = ":12", backends = { %s }, name = "own", health = { interval = 5 } },
        { listen = ":13", policy = { request = print } },
      },
      pools = { b = { backends = { %s } }, a = { backends = { %s }, policy = "x.lua" } },
    }]]):format(A, A, B))
    local names = {}
    for i, pool in ipairs(config.pools) do names[i] = pool.name end
    assert.same({ "a", "b", "own" }, names)
    assert.same({ "b", "own" }, { config.services[1].pool, config.services[2].pool })
    assert.is_nil(config.services[3].pool)
    assert.equals(5, config.pools[3].health.interval)
    assert.equals("pools.a.policy", config.pools[1].policy_key)
    assert.equals("services[2]", config.services[2].key)
  end)

  it("allow pools beside one service in the short one", function()
    local config = case.load("return { pool = 'web', pools = { web = { backends = { " .. A
      .. " } } } }")
    assert.equals("web", config.services[1].pool)
  end)

  it("cannot be mixed", function()
    refused("{ health = {}, services = { { backends = { " .. A .. " } } } }",
      "health: this belongs to one service or pool, and 'services' is given")
    refused("{ listen = ':1', services = { { backends = { " .. A .. " } } } }", "listen: this")
  end)

  it("want a pool that is there, or backends, not both", function()
    refused("{ pool = 'wbe', pools = { web = { backends = { " .. A .. " } } } }",
      "pool: no pool 'wbe' is defined in pools; did you mean 'web'?")
    refused("{ services = { { pool = 'web' } } }",
      "services[1].pool: no pool 'web' is defined in pools")
    refused("{ pool = 'web', backends = { " .. A .. " }, pools = { web = { backends = { " .. A
      .. " } } } }", "backends: both 'pool' and 'backends' are given (expected one of them)")
    refused("{ pool = 'web', health = {}, pools = { web = { backends = { " .. A .. " } } } }",
      "health: this belongs to the pool (expected it in pools.web.health)")
    refused("{}", "backends: missing (expected a list of backends, or 'pool'")
    refused("{ services = { { listen = ':1' } } }", "services[1].backends: missing")
    refused("{ backends = {} }", "backends: there are none (expected at least one backend, "
      .. "discover with a type, or a policy with a discover hook)")
    refused("{ pools = { a = {} }, services = { { pool = 'a' } } }", "pools.a.backends: there are")
  end)

  it("take an empty pool that a policy may fill, and a service that answers itself", function()
    assert.is_table(case.load "return { backends = {}, policy = { discover = print } }")
    assert.is_table(case.load "return { backends = {}, policy = './find.lua' }")
    assert.equals(1, #case.load("return { policy = { discover = print } }").pools)
    assert.equals(0, #case.load("return { policy = { request = print } }").pools)
  end)

  it("want each name once", function()
    refused("{ backends = { " .. A .. ", " .. A .. " } }", "backends[2]: another backend has the "
      .. "name '127.0.0.1:1' already: backends[1]")
    refused("{ backends = { " .. A .. ", 'http://127.0.0.1:1/' } }", "another backend has the name")
    refused("{ services = { { name = 'x', listen = ':1', backends = { " .. A .. " } }, "
      .. "{ name = 'x', listen = ':2', backends = { " .. A .. " } } } }",
      "services[2].name: another service has the name 'x' already: services[1]")
    refused("{ services = { { name = 'x', backends = { " .. A .. " } } }, pools = { x = { "
      .. "backends = { " .. A .. " } } } }", "services[1].backends: the pool of these backends")
    refused("{ services = { { backends = { " .. A .. " } }, { backends = { " .. B .. " } } } }",
      "services[2].listen: ':8080' is listened on already: services[1].listen")
    assert.is_table(case.load("return { backends = { " .. A .. ", { url = " .. A
      .. ", name = 'second' } } }"))
  end)

  it("let the system choose several ports", function()
    local config = case.load(([[return { services = {
      { listen = '127.0.0.1:0', backends = { %s } },
      { listen = '127.0.0.1:0', backends = { %s } },
    } }]]):format(A, B))
    assert.equals("127.0.0.1:0", config.services[1].name)
    assert.equals("127.0.0.1:0#2", config.services[2].name)
    assert.equals("127.0.0.1:0#2", config.services[2].pool)
  end)

  it("are lists and tables as they should be", function()
    refused("{ backends = { a = " .. A .. " } }",
      "backends: it has the key 'a', so it is not a list")
    refused("{ backends = { [1] = " .. A .. ", [3] = " .. B .. " } }", "the list has a hole")
    refused("{ backends = 'http://h' }", "backends: 'http://h' is not a list")
    refused("{ backends = { 8081 } }", "backends[1]: 8081 is not a backend (expected a URL")
    refused("{ services = { 1 } }", "services[1]: 1 is not a table")
    refused("{ services = { { backends = { " .. A .. " } } }, pools = { {} } }",
      "pools[1]: this is not a name of 1 to 63 bytes (expected pools = { name = {…} })")
    refused("{ services = {}, pools = 3 }", "pools: 3 is not a table")
    refused("{ services = { { pool = 'x' } }, pools = { [('x'):rep(64)] = {} } }",
      "this is not a name of 1 to 63 bytes")
  end)

  it("have their limits", function()
    local _, why = case.load [[
      local list = {}
      for i = 1, 16385 do list[i] = "http://h" .. i end
      return { backends = list }]]
    assert.truthy(why:find("16385 items are too many (expected at most 16384)", 1, true))
    _, why = case.load [[
      local pools = {}
      for i = 1, 257 do pools["p" .. i] = { backends = { "http://h" } } end
      return { services = { { pool = "p1" } }, pools = pools }]]
    assert.truthy(why:find("pools: 257 pools are too many (expected at most 256)", 1, true), why)
  end)
end)
