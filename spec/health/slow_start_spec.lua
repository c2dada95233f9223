-- What comes back gets its share bit by bit. With time = 1000 the ramp stands still for a spec.

local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local picks = require "support.picks"
local proxied = require "support.proxied"

local POLICIES = {
  round_robin = 'require "neap.policy.round_robin"',
  random = 'require "neap.policy.random" {}',
  least_connections = 'require "neap.policy.least_connections" {}',
  two_choices = 'require "neap.policy.two_choices" {}',
  hash = 'require "neap.policy.hash" { key = keys }',
  loaded = "{ pick = function(_, pool) return pool:least_loaded() end }",
}

local function start(slow_start, backends)
  return picks.start {
    policies = POLICIES,
    pools = {
      p = ("slow_start = %s, backends = { %s }"):format(slow_start, backends or picks.backends(3)),
    },
  }
end

local function back(p, index)
  p:set("p", "down", index)
  p:set("p", "up", index)
end

local NAMES = { "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3" }

local function counts_of(p, policy, n)
  local counts, list = p:ask(policy, "p", n).counts, {}
  for i, name in ipairs(NAMES) do list[i] = counts[name] end
  return unpack(list)
end

describe("slow start", function()
  it("gives a part of its turns to what came back", function()
    local p = start "{ time = 1000, from = 0.2 }"
    for _, policy in ipairs { "round_robin", "random", "least_connections" } do
      local a, b, c = counts_of(p, policy, 3000)
      assert.near(1000, c, 150, policy)
      assert.near(a, b, 200, policy)
    end
    back(p, 3)
    for _, policy in ipairs { "round_robin", "random", "least_connections", "two_choices" } do
      local a, b, c = counts_of(p, policy, 6600)
      local most = policy == "two_choices" and 1.6 or 1.25 -- which draws until two differ
      assert.is_true(c > 600 * 0.75 and c < 600 * most, policy .. " " .. c)
      assert.near(a, b, 400, policy)
    end
  end)

  it("goes by weights, too", function()
    local p = start("{ time = 1000, from = 0.5 }", [[{ url = "http://127.0.0.1:1", weight = 3 },
      { url = "http://127.0.0.1:2", weight = 2 }, "http://127.0.0.1:3"]])
    back(p, 1)
    local a, b, c = counts_of(p, "round_robin", 4500) -- 1.5 : 2 : 1
    assert.near(1500, a, 150)
    assert.near(2000, b, 150)
    assert.near(1000, c, 150)
  end)

  it("ends, and then costs nothing and is exact again", function()
    local p = start "0.3"
    back(p, 2)
    eventually(function()
      local a, b, c = counts_of(p, "round_robin", 300)
      return a == 100 and b == 100 and c == 100
    end)
  end)

  it("is no matter when all are new", function()
    local p = start "1000"
    back(p, "all")
    local a, b, c = counts_of(p, "round_robin", 3000)
    assert.near(1000, a, 10)
    assert.near(1000, b, 10)
    assert.near(1000, c, 10)
  end)

  it("moves no keys of a hash", function()
    local p = start "1000"
    local before = p:map("hash", "p", 200)
    back(p, 1)
    assert.same(before, p:map("hash", "p", 200))
  end)

  it("is not for what drained", function()
    local p = start "1000"
    p:set("p", "drain", 1)
    p:set("p", "up", 1)
    assert.equals(100, (counts_of(p, "round_robin", 300)))
  end)

  it("holds for the least loaded", function()
    local p = start "{ time = 1000, from = 0.2 }"
    back(p, 3)
    local _, _, c = counts_of(p, "loaded", 300)
    assert.is_true(c >= 10 and c <= 60, tostring(c)) -- all idle: 27 of its 100 turns
    local web = origin.several(3, { handler = function(conn) conn:wait(20) end })
    local n = proxied.before(web, [[slow_start = { time = 1000, from = 0.2 },
      policy = { pick = function(request, pool)
        if request.path == "/back" then pool[3]:down() pool.all[3]:up() end
        return pool:least_loaded()
      end },]])
    local connections = {}
    for i = 1, 34 do
      connections[i] = client.connect(n.address)
      connections[i]:send(("GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"):format(i == 1 and "back" or ""))
      if i == 1 then eventually(function() return n:count_log "is up, a policy" > 0 end) end
    end
    eventually(function()
      return #web[1]:requests() + #web[2]:requests() + #web[3]:requests() == 34
    end)
    assert.is_true(#web[3]:requests() >= 2 and #web[3]:requests() <= 4)
  end)
end)
