local grpc = require "support.grpc_call"
local origin = require "support.origin"
local proxied = require "support.proxied"

local function silent()
  return origin.start { connection = function(conn) conn:wait(30) end }
end

local function calling(n, timeout)
  return grpc.status(n, { headers = { ["grpc-timeout"] = timeout } })
end

-- The value that the backend got.
local function passed(n, web, timeout)
  calling(n, timeout)
  local all = web:requests()
  return all[#all].headers["grpc-timeout"]
end

describe("grpc-timeout", function()
  it("ends a call that takes longer", function()
    local n = proxied.before { silent() }
    for _, timeout in ipairs { "200m", "150000u", "90000000n", "0S", "1n" } do
      local status, message = calling(n, timeout)
      assert.same({ 4, "the request's deadline is over" }, { status, message })
    end
  end)

  it("does not lengthen timeouts.request", function()
    local n = proxied.before({ silent() }, "timeouts = { request = 0.2 }")
    assert.equal(4, (calling(n, "99999999H")))
  end)

  it("bounds nothing when it is malformed", function()
    local n = proxied.before({ silent() }, "timeouts = { response = 0.3 }, " .. [[
      policy = { failed = function(_, _, f) print("WHY", f.message) return "fail" end }]])
    for i, timeout in ipairs { "1", "1s", "m", "1.5S", "-1S", "123456789n", "1 m", "+1m", "1mm" } do
      assert.equal(4, (calling(n, timeout)))
      n:wait_log("WHY no answer in time", i)
    end
  end)

  it("goes on as it is, or as what is left of it", function()
    local web = grpc.server { status = 0 }
    local n = proxied.before { web }
    assert.equal("00000010S", passed(n, web, "00000010S"))
    assert.equal("1.5S", passed(n, web, "1.5S"))
    n = proxied.before({ web }, [[policy = { request = function()
      require("neap").sleep(0.05)
    end }]])
    for timeout, most in pairs { ["10S"] = 9960000, ["20000m"] = 19960000 } do
      local left = tonumber((passed(n, web, timeout):match "^(%d+)u$"))
      assert.is_true(left <= most and left > 0, left)
    end
    assert.matches("^%d+m$", passed(n, web, "1H"))
    n = proxied.before({ web }, [[policy = { request = function(request)
      require("neap").sleep(0.05)
      request:set_header("grpc-timeout", "7S")
    end }]])
    assert.equal("7S", passed(n, web, "10S"))
  end)
end)
