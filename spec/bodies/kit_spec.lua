local testing = require "neap.testing"

local function pool(policy, options)
  options = options or {}
  options.policy = policy
  local p = testing.pool(2, options)
  p:serve(function(_, request)
    return request.body .. "|" .. tostring(request.headers["content-length"])
  end)
  return p
end

describe("the body of a request in the test kit", function()
  it("is what the request was given", function()
    local p = pool { pick = function(request, backends)
      assert.equal("hello", request:body())
      assert.same({ nil, "too long" }, { request:body(4) })
      return backends[1]
    end }
    assert.equal("hello|nil", p:send { method = "POST", body = "hello" }.body)
    assert.equal("|nil", pool { request = function(request)
      assert.equal("", request:body())
    end }:send().body)
  end)

  it("is, in an answer, what the backend serves", function()
    local p = pool { response = function(_, _, response)
      local body, why = response:body(9)
      assert(response:set_body((body or why) .. "!"))
    end }
    local answer = p:send { method = "POST", body = "hello" }
    assert.equal("hello|nil!", answer.body)
    assert.equal("10", answer.headers["content-length"])
    assert.equal("too long!", p:send({ method = "POST", body = "longer" }).body)
    local head = p:send { method = "HEAD" }
    assert.equal("", head.body)
    assert.is_nil(head.headers["content-length"])
  end)

  it("may be replaced", function()
    local p = pool { request = function(request)
      assert(request:set_body(request:body() .. " world"))
    end }
    assert.equal("hello world|11", p:send { method = "POST", body = "hello",
      headers = { ["Content-Length"] = "5" } }.body)
  end)

  it("is not given when it is over limits.body_bytes", function()
    local p = pool({ request = function(request)
      assert.same({ nil, "over limits.body_bytes" }, { request:body() })
      request:limits { body_bytes = 5 }
      assert.equal("hello", request:body())
    end }, { limits = { body_bytes = 4 } })
    assert.equal("hello|nil", p:send { method = "POST", body = "hello" }.body)
  end)

  it("is bounded as in neap", function()
    local p = pool({ request = function(request) request:body(2000) end },
      { limits = { hook_body_bytes = 1024 } })
    assert.has_error(function() p:send { method = "POST", body = "hello" } end)
    assert.matches("2000 is more than limits.hook_body_bytes of this service, 1024",
      select(2, pcall(p.send, p, {})))
  end)
end)
