local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local picks = require "support.picks"
local spread = require "support.spread"

local KEYS = 4000

local function share(list, name)
  local n = 0
  for _, found in ipairs(list) do n = n + (found == name and 1 or 0) end
  return n / #list
end

-- Keys that moved between two maps, though neither backend was `name`.
local function moved_besides(before, after, name)
  local n = 0
  for i = 1, #before do
    if before[i] ~= after[i] and before[i] ~= name and after[i] ~= name then n = n + 1 end
  end
  return n / #before
end

describe("hash", function()
  local p

  setup(function()
    p = picks.start {
      policies = {
        hash = 'require "neap.policy.hash" { key = keys }',
        maglev = 'require "neap.policy.hash" { key = keys, maglev = true, size = 65537 }',
      },
      pools = {
        ten = ("backends = { %s }"):format(picks.backends(10)),
        eleven = ("backends = { %s }"):format(picks.backends(11)),
        turned = ("backends = { %s, %s }"):format(picks.backends(5, 6), picks.backends(5, 1)),
        weighted = ("backends = { %s, %s }"):format(picks.backends(1, 1, ", weight = 4"),
          picks.backends(4, 2)),
      },
    }
  end)

  it("moves no key but those of the backend that comes or goes", function()
    local ten, eleven = p:map("hash", "ten", KEYS), p:map("hash", "eleven", KEYS)
    assert.equal(0, moved_besides(ten, eleven, "127.0.0.1:11"))
    local own = share(eleven, "127.0.0.1:11") -- 1/11, ± 5 deviations
    assert.is_true(own > 0.068 and own < 0.114, tostring(own))
  end)

  it("moves hardly any other with a Maglev table", function()
    local ten, eleven = p:map("maglev", "ten", KEYS), p:map("maglev", "eleven", KEYS)
    local own = share(eleven, "127.0.0.1:11")
    assert.is_true(own > 0.068 and own < 0.114, tostring(own))
    local others = moved_besides(ten, eleven, "127.0.0.1:11")
    assert.is_true(others < 0.05, ("%.3f of the keys moved needlessly"):format(others))
  end)

  for _, label in ipairs { "hash", "maglev" } do
    it(label .. " depends on names, not on their order", function()
      assert.same(p:map(label, "ten", KEYS), p:map(label, "turned", KEYS))
    end)

    it(label .. " goes by weight", function()
      local own = share(p:map(label, "weighted", KEYS), "127.0.0.1:1")
      assert.is_true(own > 0.46 and own < 0.54, tostring(own))
    end)

    it(label .. " moves only the keys of what goes down, and back when it is up", function()
      local before = p:map(label, "ten", KEYS)
      p:set("ten", "down", 3)
      local without = p:map(label, "ten", KEYS)
      p:set("ten", "up", 3)
      assert.equal(0, share(without, "127.0.0.1:3"))
      assert.equal(0, moved_besides(before, without, "127.0.0.1:3"))
      assert.same(before, p:map(label, "ten", KEYS))
    end)
  end

  it("keeps a key with its backend, over two workers and connections", function()
    local n = spread.start(origin.several(4),
      "require 'neap.policy.hash' { key = 'header:X-User', maglev = true, size = 1009 }")
    for _, user in ipairs { "alice", "bob", "carol" } do
      local counts = spread.one_by_one(n, 12, "/", { ["X-User"] = user })
      assert.equal(12, counts[next(counts)])
    end
    assert.same({ web1 = 3, web2 = 3, web3 = 3, web4 = 3 }, (spread.one_by_one(n, 12)))
  end)

  it("lets nobody have more than the bound of the average", function()
    local web = origin.several(4, { handler = function(conn)
      conn:wait(0.4)
      return conn.name
    end })
    local n = spread.start(web, "require 'neap.policy.hash' { bound = 1.25 }", { workers = 1 })
    local counts = spread.at_once(n, 32) -- one key: all would go to one backend
    for _, count in pairs(counts) do assert.is_true(count <= 10, tostring(count)) end
    n = spread.start(web, "'hash'", { workers = 1 })
    counts = spread.at_once(n, 16)
    assert.equal(16, counts[next(counts)])
  end)

  it("follows members that are added and removed", function()
    local web = origin.several(4)
    local n
    local registry = origin.start { name = "registry", handler = function(conn, request)
      local last = request.target == "/3" and 3 or 4
      local urls = {}
      for i = 1, last do urls[i] = ('"%s"'):format(web[i].url) end
      return "[" .. table.concat(urls, ",") .. "]", conn
    end }
    n = neap.start {
      config = ('return { listen = "127.0.0.1:0", workers = 2, backends = {}, health = { type = '
        .. '"none" }, discover = { interval = 0.1 }, policy = "policy.lua" }'),
      files = { ["policy.lua"] = ([[
        local neap = require "neap"
        local policy = require "neap.policy.hash" { key = "path" }
        local runs = 0
        function policy.discover()
          runs = runs + 1
          return neap.json.decode(neap.http.get("%s/" .. (runs < 8 and 4 or 3)).body)
        end
        return policy]]):format(registry.url) },
    }
    eventually(function() return n:get("/").status == 200 end)
    local function path(i) return "/" .. i end
    local _, before = spread.one_by_one(n, 40, path)
    eventually(function()
      local counts, after = spread.one_by_one(n, 40, path)
      assert.is_nil(counts.web4)
      for i = 1, 40 do assert.is_true(before[i] == "web4" or before[i] == after[i]) end
    end, 10)
  end)

  it("says so when a function gives no key that lasts, and is round robin then", function()
    local n = spread.start({ origin.start { name = "web" } },
      "require 'neap.policy.hash' { key = function() return {} end }")
    n:allow "hook pick"
    assert.equal("web", n:get("/").body)
    n:wait_log "the function key returned a table %(expected a text, a number,"
  end)
end)
