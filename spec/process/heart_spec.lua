local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

-- Stuck inside C, where no fuse of the process itself can reach.
local policy = [[
  return { request = function(request)
    if request.path == "/stuck" then
      local text = ("a"):rep(60)
      return text:find((".-"):rep(40) .. "b") and nil
    end
  end }
]]

describe("heartbeats", function()
  it("replace a worker that is stuck inside C in a hook, and trip the hook #slow", function()
    local n = neap.start {
      config = neap.config({ origin.start {} }, 'policy = "stuck.lua"'),
      files = { ["stuck.lua"] = policy },
      allow = { "stuck for", "hook" },
    }
    local worker = n:workers()[1]
    local c = client.connect(n.address)
    c:send "GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n"
    local other = client.connect(n.address, { timeout = 5 })
    other:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert.is_nil((c:read_response()))
    eventually(function()
      local now = n:workers()[1]
      return now and now ~= worker
    end, 1)
    n:wait_log "stuck for 2 s in hook request of service 1"
    assert.equal(200, n:get("/").status)
    assert.equal(200, n:get("/stuck").status)
  end)

  it("name a hook that is stuck before there is a first answer #slow", function()
    local code, _, err = neap.run({ "-c", "config.lua" }, { files = { ["config.lua"] = [[return {
      listen = "127.0.0.1:0", backends = {}, policy = { discover = function()
        return (("a"):rep(60)):find((".-"):rep(40) .. "b") and {} or {}
      end } }]] } })
    assert.equal(1, code)
    assert.matches("config%.lua: stuck for 2 s in hook discover of service 1", err)
  end)

  it("replace an agent that is stuck inside C in a check, and trip the hook #slow", function()
    local n = neap.start {
      config = neap.config({ origin.start {} }, [[health = { interval = 0.1, timeout = 1 },
        policy = { check = function()
          return (("a"):rep(60)):find((".-"):rep(40) .. "b") == nil
        end }]]),
      allow = { "stuck for" },
    }
    local agent = n:agent()
    n:wait_log("stuck for 2 s in hook check of service 1", 8)
    eventually(function()
      local now = n:agent()
      return now and now ~= agent
    end, 1)
    n:wait_log "checked ok by healthcheck"
    assert.equal(200, n:get("/").status)
    assert.equal(1, n:count_log "stuck for")
  end)
end)
