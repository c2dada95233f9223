local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local utf8 = require "neap.config.utf8"

describe("text from elsewhere", function()
  it("is no name of a backend when it is no text", function()
    local n = admin.start({ 1 }, 'name = "web"')
    for name, why in pairs {
      ["a\255b"] = "is not UTF-8", ["\237\160\128"] = "is not UTF-8",
      ["a\194\155b"] = "has control characters",
    } do
      local body = ('{"url":"http://127.0.0.1:2","name":"%s"}'):format(name)
      local r = admin.call(n, "POST", "/pools/web/backends", body,
        { ["Content-Type"] = "application/json" })
      assert.equals(400, r.status)
      assert.is_truthy(r.value.error:find(why, 1, true), r.body)
    end
    local r = admin.call(n, "POST", "/pools/web/backends", { url = "http://127.0.0.1:2/\195\164" })
    assert.equals(400, r.status)
  end)

  it("is shown by status, metrics and terminals, and commands none of them", function()
    local n = admin.start({ origin.start {} }, [[name = "web", policy = function()
      local neap = require "neap"
      neap.metric.counter("seen", "a\255\nb"):add(1)
      return { pick = function(_, pool)
        pool[1]:down "\27[2Jx\194\155y\226\128\174z\255"
        return nil, "none"
      end }
    end]])
    n:allow "web"
    n:get "/"
    local status = eventually(function()
      local body = admin.get(n, "/status").body
      return body:find '"down"' and body
    end)
    assert.is_nil(utf8.invalid_at(status))
    assert.is_nil(utf8.invalid_at(admin.get(n, "/metrics").body))
    local _, out = neap.run { "status", "--admin", n.admin }
    assert.is_truthy(out:find "%?%[2Jx%?y%?z")
    for _, bad in ipairs { "\27", "\194\155", "\226\128\174", "\255" } do
      assert.is_nil(out:find(bad, 1, true))
      assert.is_nil(n:log():find(bad == "\226\128\174" and "\27" or bad, 1, true))
    end
  end)

  it("is no check of a single backend's own", function()
    local n = admin.start({ 1 }, 'name = "web"')
    local r = admin.call(n, "POST", "/pools/web/backends",
      { url = "http://127.0.0.1:2", health = { type = "http" } })
    assert.equals(400, r.status)
    assert.equals("health.type: unknown key; it stands in the health of the pool: a backend says "
      .. "only where it is checked", r.value.error)
  end)
end)
