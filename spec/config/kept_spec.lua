local signal = require "posix.signal"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local POLICY = [[
return { response = function(_, _, response) response:set_header("X-Policy", "%s") end }
]]

describe("the files of a running balancer", function()
  it("are those it was started with, also for a worker that is started again", function()
    local web = origin.start()
    local n = neap.start {
      config = neap.config({ web }, 'policy = "./own.lua", health = { type = "none" }'),
      files = { ["own.lua"] = POLICY:format "first" },
      allow = { "worker" },
    }
    assert.equals("first", n:get("/").headers["x-policy"])
    scope.write(n.dir .. "/own.lua", POLICY:format "second")
    scope.write(n.dir .. "/config.lua", "return nonsense")
    local before = n:workers()[1]
    signal.kill(before, signal.SIGKILL)
    eventually(function()
      local now = n:workers()[1]
      return now and now ~= before
    end)
    eventually(function() assert.equals("first", n:get("/").headers["x-policy"]) end)
  end)
end)
