-- A connection of HTTP/2 that was idle, and has work again when the time of its idleness is over.
local eventually = require "support.eventually"
local h2_client = require "support.h2_client"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"

local DOZES = 0.2 -- seconds: src/proxy/proxy.c
local POLICY = [[{ request = function(request)
  if request.path == "/now" then return require("neap").reply { body = "now" } end
end }]]

local function start(web)
  return neap.start { config = ([[return { listen = "127.0.0.1:0", workers = 1, policy = %s,
    backends = { %q }, health = { type = "none" } }]]):format(POLICY, web.url) }
end

-- The worker finds two requests and the end of that time in one turn; one of them is answered at
-- once.
local function wake(worker, c)
  assert.equal("now", c:get("/now").body)
  process.signal(worker, "STOP")
  local later, now = c:request { [":path"] = "/later" }, c:request { [":path"] = "/now" }
  local began = eventually.now()
  eventually(function() return eventually.now() - began > 2 * DOZES end)
  process.signal(worker, "CONT")
  assert.equal("now", c:answer(now).body)
  assert.equal("web", c:answer(later).body)
end

describe("an idle connection of HTTP/2", function()
  it("serves what comes in the moment in which its time is over", function()
    local web = origin.start { name = "web" }
    local n = start(web)
    local c = h2_client.connect(n.port)
    for _ = 1, 5 do wake(n:workers()[1], c) end
  end)
end)
