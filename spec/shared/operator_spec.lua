-- Values of shared stores, set by operators at run time.

local admin = require "support.admin"
local origin = require "support.origin"

local CONFIG = [[
  shared = { switches = { bytes = 65536 }, other = {} }, workers = 2,
  policy = { request = function(request)
    local s = require("neap").shared "switches"
    if request.path == "/count" then s:count("window", 1, 60) end
    local value = s:get(request:header "key" or "share")
    return require("neap").reply { body = type(value) .. " " .. tostring(value) }
  end },]]

describe("an operator", function()
  local n
  before_each(function() n = admin.start({ origin.start() }, CONFIG) end)

  local function call(method, path, value, headers)
    return admin.call(n, method, "/shared/" .. path, value, headers)
  end

  it("sets, reads and deletes values that policies see at once", function()
    for text, value in pairs { ["number 0.25"] = 0.25, ["string on"] = "on",
      ["boolean false"] = false } do
      local answer = call("PUT", "switches/share", { value = value })
      assert.same({ 200, { store = "switches", key = "share", value = value, ttl = 0 } },
        { answer.status, answer.value })
      for _ = 1, 4 do assert.equal(text, n:get("/").body) end
      assert.equal(value, call("GET", "switches/share").value.value)
    end
    assert.equal("share", call("DELETE", "switches/share").value.deleted)
    assert.equal("nil nil", n:get("/").body)
    assert.equal(404, call("GET", "switches/share").status)
    assert.equal(404, call("DELETE", "switches/share").status)
    n:wait_log("admin: 127.0.0.1 sets 'share' of shared store switches", 5)
  end)

  it("may give a time to live, and keys with any bytes", function()
    local answer = call("PUT", "switches/a/b%20c%2F", { value = 1, ttl = 1000 })
    assert.equal("a/b c/", answer.value.key)
    assert.is_true(answer.value.ttl > 990 and answer.value.ttl <= 1000)
    assert.equal("number 1", n:get("/", { Key = "a/b c/" }).body)
  end)

  it("needs the token for each of it", function()
    for _, method in ipairs { "GET", "PUT", "DELETE" } do
      local answer = call(method, "switches/share", nil, { Authorization = false })
      assert.equal(401, answer.status)
    end
    assert.equal(405, call("POST", "switches/share").status)
  end)

  it("hears what is wrong", function()
    local function why(status, method, path, value)
      local answer = call(method, path, value)
      assert.equal(status, answer.status)
      return answer.value.error
    end
    assert.matches("no shared store 'switch'; did you mean 'switches'", why(404, "GET", "switch/a"))
    assert.matches("is not a JSON object", why(400, "PUT", "switches/a", "1"))
    assert.matches("is not a JSON object", why(400, "PUT", "switches/a", ""))
    assert.matches("value: it is missing", why(400, "PUT", "switches/a", { ttl = 1 }))
    assert.matches("value: it is missing", why(400, "PUT", "switches/a", { value = {} }))
    assert.matches("vlaue: unknown key", why(400, "PUT", "switches/a", { vlaue = 1 }))
    assert.matches("ttl is not a time", why(400, "PUT", "switches/a", { value = 1, ttl = "x" }))
    n:get "/count"
    assert.matches("has no value under 'window'", why(404, "GET", "switches/window"))
  end)
end)
