-- Limits are exact: not one too many passes, however many workers are asked at once.

local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"

local CONFIG = [[
  local neap = require "neap"
  local limit = neap.limit { rate = 1, per = 10000, burst = 500 }
  local passed, asked = neap.metric.counter("passed", ""), neap.metric.counter("asked", "")
  return {
    listen = "127.0.0.1:0", workers = 2, backends = { "http://127.0.0.1:1" },
    health = { type = "none" },
    policy = { request = function(request)
      if request.path == "/count" then
        return neap.reply { body = passed:get() .. " of " .. asked:get() }
      elseif request.path == "/take" then
        for _ = 1, 50 do
          asked:add(1)
          if limit:take(request) then passed:add(1) end
        end
        return neap.reply { body = "ok" }
      end
    end },
  }]]

describe("a limit over two workers", function()
  it("lets pass what it says, to the last one", function()
    local n = neap.start { config = CONFIG }
    local connections = {}
    for i = 1, 40 do connections[i] = client.connect(n.port) end
    for _, c in ipairs(connections) do c:send "GET /take HTTP/1.1\r\nHost: a\r\n\r\n" end
    for _, c in ipairs(connections) do assert.equal(200, c:read_response().status) end
    eventually(function() return n:get("/count").body == "500 of 2000" end)
  end)
end)
