-- With every policy: a backend that dies is left out, and is used again when it is back.

local eventually = require "support.eventually"
local origin = require "support.origin"
local spread = require "support.spread"

local policies = {
  "'round_robin'", "'least_connections'", "'random'", "'two_choices'", "'ewma'", "'hash'",
  "(require 'neap.policy.hash' { maglev = true, bound = 2 })", "'source'", "'cookie'", "'first'",
  "'zone'", "'canary'", "(require 'neap.policy.cookie' { fallback = 'hash' })",
}

local function other_path(i) return "/" .. i end

describe("when a backend dies and comes back,", function()
  local web

  setup(function() web = origin.several(3) end)

  for _, policy in ipairs(policies) do
    it(policy .. " leaves it out meanwhile", function()
      local n = spread.start(web, policy, {
        more = 'health = { type = "tcp", interval = 0.1, recheck = 0.1 },',
      })
      n:allow "ran for more than 50 ms" -- a table of Maglev, on a machine that is busy
      local name = n:get("/").body
      local victim = web[tonumber(name:match "%d")]
      victim:kill()
      local counts = spread.one_by_one(n, 24, other_path)
      assert.is_nil(counts[name])
      victim:start_again()
      eventually(function() return spread.one_by_one(n, 12, "/")[name] end)
    end)
  end
end)
