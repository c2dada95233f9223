local grpc = require "support.grpc_call"
local neap = require "support.neap"
local proxied = require "support.proxied"

local function before(webs, more)
  return proxied.before(webs, ("%s, policy = { pick = function(_, pool) return pool[1] end }")
    :format(more))
end

describe("retry.grpc_status", function()
  it("sends a call again that ended at once with a listed status", function()
    local bad, good = grpc.server { status = 14 }, grpc.server { status = 0 }
    for _, listed in ipairs { "14", '"UNAVAILABLE"', '8, "unavailable"' } do
      local n = before({ bad, good }, ("retry = { grpc_status = { %s } }"):format(listed))
      assert.equal(0, (grpc.status(n)))
    end
    assert.equal(3, #bad:requests())
    assert.equal("\0\0\0\0\0", good:requests()[1].body)
  end)

  it("passes on what is not listed, and the last answer", function()
    local bad, good = grpc.server { status = 14, message = "later" }, grpc.server { status = 0 }
    local n = before({ bad, good }, "retry = { grpc_status = { 13 } }")
    local status, message, response = grpc.status(n)
    assert.same({ 14, "later", nil }, { status, message, response.headers["x-neap-error"] })
    n = before({ bad }, "retry = { grpc_status = { 14 } }")
    status, message = grpc.status(n)
    assert.same({ 14, "later" }, { status, message })
    n = before({ bad, good }, "retry = { grpc_status = { 14 }, attempts = 1 }")
    assert.equal(14, (grpc.status(n)))
  end)

  it("says nothing of requests that are no calls", function()
    local bad, good = grpc.server { status = 14 }, grpc.server { status = 0 }
    local n = before({ bad, good }, "retry = { grpc_status = { 14 } }")
    assert.equal(14, (grpc.status(n, { headers = { ["Content-Type"] = "text/plain" } })))
    assert.equal(0, #good:requests())
  end)

  it("is told to the policy, which may decline", function()
    local bad, good = grpc.server { status = 14 }, grpc.server { status = 0 }
    local n = proxied.before({ bad, good }, [[retry = { grpc_status = { 14 } }, policy = {
      pick = function(_, pool) return pool[1] end,
      failed = function(_, _, f)
        print("FAILED", f.kind, f.status, f.grpc_status, f.message, f.safe)
        return "fail"
      end }]])
    assert.equal(14, (grpc.status(n)))
    n:wait_log "FAILED status 200 14 gRPC status 14 %(UNAVAILABLE%) true"
    assert.equal(0, #good:requests())
  end)

  it("takes numbers and names of failures only", function()
    for given, message in pairs {
      ['{ "LATER" }'] = "'LATER' is not a gRPC status", ["{ 17 }"] = "17 is not",
      ["{ 0 }"] = "0 is not a gRPC status that can be a failure", ['{ "OK" }'] = "'OK' is not",
    } do
      local _, text = neap.check(("return { backends = { 8081 }, retry = { grpc_status = %s } }")
        :format(given))
      assert.is_truthy(text:find("retry.grpc_status[1]: " .. message, 1, true), text)
    end
  end)
end)
