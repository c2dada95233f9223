-- What holds for every file in lua/neap/policy/: in the test kit, and in the balancer.

local dirent = require "posix.dirent"
local picks = require "support.picks"
local testing = require "neap.testing"

-- Files that need options to show what they do; all others run with none.
local OPTIONS = {
  hash = "{ key = keys }",
  hash_maglev = "{ key = keys, maglev = true, size = 8191 }",
  hash_bound = "{ key = keys, bound = 1.25 }",
  rate_limit = "{ rate = 1e6 }",
}
local FILES = { hash_maglev = "hash", hash_bound = "hash" }
-- By one client's address, or by filling, all go to one.
local ONE_ONLY = { source = true, first = true }

local function labels()
  local list = { "hash_maglev", "hash_bound" }
  for file in dirent.files "lua/neap/policy" do
    local name = file:match "^([%w_]+)%.lua$"
    if name and name ~= "init" then table.insert(list, name) end
  end
  table.sort(list)
  return list
end

local function policies()
  local map = {}
  for _, label in ipairs(labels()) do
    map[label] = ('require "neap.policy.%s" %s'):format(FILES[label] or label,
      OPTIONS[label] or "{}")
  end
  return map
end

local number = 0
local function keys()
  number = number + 1
  return "key" .. number
end

-- For the kit's contract, which is about pick alone: keys of the request, or of the spec.
local KIT = {
  first = { fair = false },
  hash = { options = { key = "path" }, consistent = true },
  hash_maglev = { options = { key = "path", maglev = true, size = 8191 }, consistent = true },
  hash_bound = { options = { key = keys, bound = 1.25 } },
  source = { consistent = true },
  rate_limit = { options = { rate = 1e6 } },
}

for _, label in ipairs(labels()) do
  local o, module = KIT[label] or {}, "neap.policy." .. (FILES[label] or label)
  local policy = o.options and require(module)(o.options) or label
  testing.contract(policy, { name = label, fair = o.fair, consistent = o.consistent })
end

local function assert_clean(found, label)
  assert.equal(0, found.foreign, label .. ": picks that are not in the pool")
  assert.equal(0, found.none, label .. ": picks of nothing")
end

local function total(counts)
  local sum = 0
  for _, n in pairs(counts) do sum = sum + n end
  return sum
end

describe("every shipped policy", function()
  local p

  setup(function()
    p = picks.start {
      more = ", shared = { limits = {} }",
      policies = policies(),
      pools = {
        one = ("backends = { %s }"):format(picks.backends(1)),
        two = ("backends = { %s }"):format(picks.backends(2)),
        four = ("backends = { %s }"):format(picks.backends(4)),
        many = ("backends = { %s }"):format(picks.backends(1000)),
        uneven = ("backends = { %s, %s }"):format(picks.backends(1, 1, ", weight = 3"),
          picks.backends(1, 2)),
        mixed = ("backends = { %s, %s, %s }"):format(picks.backends(1, 1, ", weight = 0"),
          picks.backends(4, 2), picks.backends(1, 6, ", tier = 1")),
        refused = ("backends = { %s }"):format(picks.backends(3)),
      },
    }
  end)

  for _, label in ipairs(labels()) do
    it(label .. " works with 1, 2 and 1,000 backends", function()
      for _, pool in ipairs { "one", "two", "many" } do
        local found = p:ask(label, pool, 200)
        assert_clean(found, label)
        assert.equal(200, total(found.counts))
      end
    end)

    it(label .. " is fair, and by weight", function()
      local found = p:ask(label, "four", 2000)
      assert_clean(found, label)
      if ONE_ONLY[label] then
        local most = 0
        for _, n in pairs(found.counts) do most = math.max(most, n) end
        assert.equal(2000, most)
        return
      end
      for name, n in pairs(found.counts) do -- five standard deviations and a little
        assert.is_true(n >= 390 and n <= 610, ("%s: %d of 2,000 to %s"):format(label, n, name))
      end
      local heavy = p:ask(label, "uneven", 2000).counts["127.0.0.1:1"]
      assert.is_true(heavy >= 1390 and heavy <= 1610, ("%s: %d of 2,000"):format(label, heavy))
    end)

    it(label .. " leaves out what is down, drains, weighs nothing, has a higher tier", function()
      p:set("mixed", "down", 2)
      p:set("mixed", "drain", 3)
      local found = p:ask(label, "mixed", 300)
      assert_clean(found, label)
      assert.equal(300, (found.counts["127.0.0.1:4"] or 0) + (found.counts["127.0.0.1:5"] or 0))
    end)

    it(label .. " tries each once, and ends when all are dead", function()
      p:set("refused", "up")
      local response = p:send(label, "refused")
      assert.equal(502, response.status)
      assert.equal(503, p:send(label, "refused").status)
    end)

    it(label .. " makes no garbage", function()
      if label:find "^hash" then return end -- their keys are the spec's own
      local least = math.huge
      for _ = 1, 3 do least = math.min(least, p:ask(label, "four", 2000).bytes) end
      assert.is_true(least < 40, ("%s: %.0f bytes a pick"):format(label, least))
    end)
  end
end)
