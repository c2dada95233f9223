local client = require "support.client"
local grpc = require "support.grpc_call"
local origin = require "support.origin"
local proxied = require "support.proxied"

local function start(policy, more) return proxied.before({ 1 }, (more or "") .. policy) end

describe("neap's own answer to a gRPC call", function()
  it("is a status and a message, in a head alone", function()
    local n = start 'policy = { pick = function() return nil, "closed for today" end }'
    local status, message, response = grpc.status(n)
    assert.same({ 14, "closed for today", 200, "" }, { status, message, response.status,
      response.body })
    assert.equal("application/grpc", response.headers["content-type"])
    assert.equal("closed for today", response.headers["x-neap-error"])
  end)

  it("is a page for all others", function()
    local n = start 'policy = { pick = function() return nil, "no" end }'
    for _, type in ipairs { "application/grpc-web", "application/grpcx", "text/plain" } do
      local response = grpc.send(n, { headers = { ["Content-Type"] = type } })
      assert.same({ 503, nil }, { response.status, response.headers["grpc-status"] })
    end
    assert.equal(503, client.get(n.address).status)
    for _, type in ipairs { "application/grpc+proto", "Application/gRPC; x=y" } do
      assert.equal(14, (grpc.status(n, { headers = { ["Content-Type"] = type } })))
    end
  end)

  it("says UNAVAILABLE when every attempt failed", function()
    local n = start ""
    assert.same({ 14, "no backend accepted the connection" }, { (function()
      local status, message = grpc.status(n)
      return status, message
    end)() })
  end)

  it("says DEADLINE_EXCEEDED after a timeout", function()
    local silent = origin.start { connection = function(conn) conn:wait(20) end }
    local n = proxied.before({ silent }, "timeouts = { response = 0.2 }")
    assert.equal(4, (grpc.status(n)))
  end)

  it("says RESOURCE_EXHAUSTED when there is no slot, and for limits", function()
    local n = proxied.before({}, [[limits = { body_bytes = 10 },
      backends = { { url = "http://127.0.0.1:1", slots = 1 } }, queue = { timeout = 0.1 },
      policy = { pick = function() return nil, "queue" end }]])
    local status, message = grpc.status(n)
    assert.same({ 8, "queue timed out" }, { status, message })
    assert.equal(8, (grpc.status(n, { body = ("x"):rep(11) })))
  end)

  it("keeps its reason to itself where the config says so, and encodes it", function()
    local policy = [[policy = { pick = function() return nil, "50 % off \226\130\172" end }]]
    local n = start(policy)
    local _, message = grpc.status(n)
    assert.equal("50 %25 off ???", message)
    n = start(policy, "errors = { expose = false }, ")
    local status, hidden, response = grpc.status(n)
    assert.same({ 14, "Service Unavailable" }, { status, hidden })
    assert.is_nil(response.headers["x-neap-error"])
  end)

  it("is what a policy's page of HTTP amounts to", function()
    local n = start [[policy = { request = function(request)
      local neap = require "neap"
      local path = request.path
      if path == "/json" then
        return neap.reply { status = 403, headers = { ["Content-Type"] = "application/json" },
          body = "{}" }
      elseif path == "/own" then
        return neap.reply { headers = { ["grpc-status"] = "9", ["x-more"] = "1",
          ["Content-Type"] = "application/grpc" } }
      end
      return neap.reply { status = tonumber(path:match "%d+"), headers = { ["X-Why"] = "law" },
        body = "\195\188 no\n" }
    end }]]
    for status, wanted in pairs { [401] = 16, [403] = 7, [404] = 12, [429] = 8, [418] = 2 } do
      local got, message, response = grpc.status(n, { path = "/" .. status })
      assert.same({ wanted, "%C3%BC no", 200, "", "law" }, { got, message, response.status,
        response.body, response.headers["x-why"] })
    end
    local status, message, response = grpc.status(n, { path = "/json" })
    assert.same({ 7, "Forbidden", "application/grpc" }, { status, message,
      response.headers["content-type"] })
    status, message, response = grpc.status(n, { path = "/own" })
    assert.same({ 9, nil, "1" }, { status, message, response.headers["x-more"] })
  end)
end)
