-- Policies where not all is as with HTTP requests, and in the user's own folder.

local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"
local spread = require "support.spread"

describe("shipped policies", function()
  for _, name in ipairs { "least_connections", "ewma", "hash", "source", "cookie", "canary" } do
    it(name .. " serves plain TCP", function()
      local web = origin.several(2, { connection = function(conn) conn:send(conn.name) end })
      local n = spread.start(web, ("'%s'"):format(name), {
        more = "mode = 'tcp',",
        backends = ("'tcp://%s', 'tcp://%s'"):format(web[1].address, web[2].address),
      })
      for _ = 1, 4 do
        local c = client.connect(n.address)
        assert.matches("^web%d$", c:receive_all())
        c:close()
      end
    end)
  end

  for _, name in ipairs { "hash", "cookie", "zone", "two_choices" } do
    it(name .. " can be copied beside the config", function()
      local n = neap.start {
        config = neap.config(origin.several(2), 'policy = "mine.lua", health = { type = "none" }'),
        files = { ["mine.lua"] = scope.read(("lua/neap/policy/%s.lua"):format(name)) },
      }
      assert.equal(200, n:get("/").status)
    end)
  end

  it("compose", function()
    local n = spread.start(origin.several(3), [[require 'neap.policy.cookie' {
      fallback = require 'neap.policy.canary' { share = 0, policy = 'first' } }]])
    assert.same({ web1 = 6 }, (spread.one_by_one(n, 6)))
  end)
end)
