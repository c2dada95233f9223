-- gRPC calls through the test kit and through the balancer: the same answers, the same to hooks.

local grpc = require "support.grpc_call"
local proxied = require "support.proxied"
local testing = require "neap.testing"

local POLICY = [[{
  request = function(request)
    local neap = require "neap"
    local status = tonumber(request.path:match "^/reply/(%d+)")
    if status then return neap.reply { status = status, body = "n\195\182 100%\n" } end
    if request.path == "/own" then
      return neap.reply { headers = { ["grpc-status"] = "9" } }
    end
  end,
  pick = function(request, pool)
    if request.path == "/none" then return nil, "closed" end
    if request.path == "/wait" then return nil, "queue" end
    return pool[1]
  end,
  log = function(_, o) print("LOG", o.status, o.grpc_status, o.attempts, o.reason) end,
}]]

-- path, what the first backend answers (grpc-status) → status, message, attempts
local CASES = {
  { "/none", nil, 14, "closed", 0 }, { "/wait", nil, 8, "queue timed out", 0 },
  { "/reply/403", nil, 7, "n%C3%B6 100%25", 0 }, { "/reply/429", nil, 8, "n%C3%B6 100%25", 0 },
  { "/reply/500", nil, 2, "n%C3%B6 100%25", 0 }, { "/own", nil, 9, nil, 0 },
  { "/a", 0, 0, nil, 1 }, { "/a", 5, 5, nil, 1 }, { "/a", 14, 0, nil, 2 },
}
local SETTINGS = "retry = { grpc_status = { 14 } }, queue = { timeout = 0.1 }"

local function in_balancer(path, first)
  local n = proxied.before({ grpc.server { status = first or 0 }, grpc.server { status = 0 } },
    ("%s, policy = %s"):format(SETTINGS, POLICY))
  local status, message, response = grpc.status(n, { path = path })
  local seen = { n:wait_log "LOG (%d+) (%d+) (%d+) (%S+)" }
  return { status, message, response.status, seen }
end

local function in_kit(path, first)
  local seen
  local env = setmetatable({ print = function(_, ...)
    seen = {}
    for i = 1, 4 do seen[i] = tostring((select(i, ...))):match "^%S+" end
  end }, { __index = _G })
  local policy = setfenv(loadstring("return " .. POLICY), env)()
  local pool = testing.pool({ "b1", "b2" }, { policy = policy, retry = { grpc_status = { 14 } },
    queue = { timeout = 0.1 } })
  pool:serve(function(name)
    local status = name == "b1" and first or 0
    return { headers = { ["grpc-status"] = tostring(status) }, grpc_status = status }
  end)
  local result = pool:send { method = "POST", path = path,
    headers = { ["Content-Type"] = "application/grpc" } }
  return { tonumber(result.headers["grpc-status"]), result.headers["grpc-message"], result.status,
    seen }, result
end

describe("gRPC in the test kit", function()
  it("ends as in the balancer", function()
    for _, case in ipairs(CASES) do
      local path, first = case[1], case[2]
      local kit, result = in_kit(path, first)
      assert.same({ case[3], case[4], 200 }, { kit[1], kit[2], kit[3] }, path)
      assert.equal(case[3], result.grpc_status)
      assert.equal(tostring(case[5]), kit[4][3])
      assert.same(in_balancer(path, first), kit, path)
    end
  end)

  it("says nothing of requests that are no calls", function()
    local pool = testing.pool({ "b1" }, {})
    assert.is_nil(pool:send({ path = "/" }).grpc_status)
    local none = testing.pool({ "b1" }, { policy = { pick = function() return nil, "no" end } })
    assert.equal(503, none:send({ path = "/" }).status)
  end)
end)
