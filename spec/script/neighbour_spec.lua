-- Memory that one service's policy keeps for ever: the other services go on.
local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"

local CONFIG = [[return { workers = 1, lua_memory = 33554432,
  pools = { a = { backends = { %q }, health = { type = "none" } } },
  services = {
    { name = "hoarder", listen = "127.0.0.1:0", pool = "a", policy = "hoarder.lua" },
    { name = "guard", listen = "127.0.0.1:0", pool = "a", policy = "guard.lua", guard = true },
    { name = "plain", listen = "127.0.0.1:0", pool = "a" } } }]]

-- Much at once, or little each time.
local KEEP = "for i = 1, 20 do kept[#kept + 1] = ('x'):rep(%d) .. request.id .. i end"
local WAYS = {
  { "in large parts", KEEP:format(40000) },
  { "little by little", KEEP:format(8000) },
}

describe("a policy that keeps all of Lua's memory", function()
  for _, way in ipairs(WAYS) do
    it(way[1] .. " is left out, and harms no other service of the worker", function()
      local web = origin.several(1)
      local n = neap.start {
        config = CONFIG:format(web[1].url),
        files = {
          ["hoarder.lua"] = "local kept = {} return { request = function(request) " .. way[2]
            .. " end }",
          ["guard.lua"] = [[local neap = require "neap"
            return { request = function(request)
              request.ctx.words = {}
              for i = 1, 20 do request.ctx.words[i] = request.id .. i end
              if request:header "x-token" then return end
              return neap.reply { status = 403 }
            end }]],
        },
        allow = { "hook %a+ of service", "Lua's memory is full", "held the loop" },
      }
      for _ = 1, 300 do
        assert.equal(200, client.get(n.addresses[1], "/").status)
        assert.equal(403, client.get(n.addresses[2], "/").status)
      end
      n:wait_log "hook request of service hoarder keeps failing"
      for _ = 1, 50 do
        assert.equal(403, client.get(n.addresses[2], "/").status)
        assert.equal(200, client.get(n.addresses[2], "/", { ["X-Token"] = "1" }).status)
        assert.equal(200, client.get(n.addresses[3], "/").status)
      end
      assert.equal(0, n:count_log "hook %a+ of service guard")
      assert.equal(1, #n:workers())
    end)
  end
end)
