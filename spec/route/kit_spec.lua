local testing = require "neap.testing"

describe("limits of one request in the test kit", function()
  it("body_bytes: 413", function()
    local p = testing.pool(1, { policy = { request = function(request)
      request:limits { body_bytes = 4 }
    end } })
    local result = p:send { method = "POST", body = "hello" }
    assert.same({ 413, "request body too large" }, { result.status, result.reason })
    assert.equal(200, p:send { method = "POST", body = "hell" }.status)
  end)

  it("retry: statuses and attempts", function()
    local p = testing.pool(4, { policy = { request = function(request)
      request:retry { attempts = 3, status = { 503 } }
    end, failed = function() return "retry" end } })
    p:serve(function() return { status = 503 } end)
    assert.same({ 503, 3 }, { p:send().status, p:send().attempts })
  end)

  it("a wrong key is an error", function()
    local p = testing.pool(1, { policy = { request = function(request)
      request:retry { attempt = 3 }
    end } })
    assert.has_error(function() p:send() end)
  end)
end)
