local admin = require "support.admin"
local eventually = require "support.eventually"
local scope = require "support.scope"

local PATH = "/pools/web/backends/127.0.0.1:1"

describe("a change on the admin side", function()
  local function start(options) return admin.start({ 1 }, 'name = "web"', options) end

  local function patch(n, headers, body)
    return admin.call(n, "PATCH", PATH, body or { weight = 2 }, headers)
  end

  it("needs the token", function()
    local n = start()
    assert.equals(200, patch(n).status)
    assert.equals(200, patch(n, { Authorization = "bearer  " .. admin.token }).status)
    for _, wrong in ipairs {
      "Bearer", "Bearer ", "Bearer x", "Basic " .. admin.token, admin.token,
      "Bearer " .. admin.token .. "x", "Bearer " .. admin.token:sub(1, -2),
    } do
      local r = patch(n, { Authorization = wrong })
      assert.equals(401, r.status, wrong)
      assert.equals('Bearer realm="neap"', r.headers["www-authenticate"])
    end
    assert.equals(200, patch(n).status)
  end)

  it("is refused for a while to who sends many wrong ones", function()
    local n = start()
    local statuses = {}
    for _ = 1, 20 do
      local status = patch(n, { Authorization = "Bearer wrong-wrong" }).status
      statuses[status] = (statuses[status] or 0) + 1
    end
    assert.is_true(statuses[429] >= 8 and statuses[401] >= 10)
    assert.equals(200, admin.get(n, "/status").status)
  end)

  it("leaves a line with the address, not the token, at most one a second", function()
    local n = start()
    for _ = 1, 20 do patch(n, { Authorization = "Bearer not-it-at-all" }) end
    n:wait_log "warn admin: a wrong token from 127%.0%.0%.1\n"
    assert.is_true(n:count_log "wrong token" <= 3)
    eventually(function()
      patch(n, { Authorization = "Bearer not-it-at-all" })
      return n:log():find "wrong token from 127%.0%.0%.1 %(%d+ more since the last such line%)"
    end)
    assert.is_nil(n:log():find("not-it-at-all", 1, true))
  end)

  it("is impossible without a token in the config", function()
    local n = start { admin = '{ listen = "127.0.0.1:0" }' }
    local r = patch(n)
    assert.equals(403, r.status)
    assert.is_truthy(r.value.error:find("read-only", 1, true))
    assert.is_true(admin.status(n).read_only)
  end)

  it("takes the token from a file's first line", function()
    local n = start {
      admin = '{ listen = "127.0.0.1:0", token_file = "secret" }',
      files = { secret = admin.token .. "\n# for operators\n" },
    }
    assert.equals(200, patch(n).status)
    scope.write(n.dir .. "/secret", "another-token\n")
    assert.equals(200, patch(n).status)
    assert.equals(200, admin.call(n, "POST", "/reload").status)
    assert.equals(401, patch(n).status)
  end)

  it("is refused to pages of other sites", function()
    local n = start()
    for headers, status in pairs {
      [{ Origin = "http://evil.example" }] = 403,
      [{ Origin = "null" }] = 403,
      [{ Origin = "http://" .. n.admin }] = 200,
      [{ ["Sec-Fetch-Site"] = "cross-site" }] = 403,
      [{ ["Sec-Fetch-Site"] = "same-site" }] = 403,
      [{ ["Sec-Fetch-Site"] = "same-origin" }] = 200,
      [{ ["Content-Type"] = "text/plain" }] = 415,
      [{ ["Content-Type"] = "application/x-www-form-urlencoded" }] = 415,
      [{ ["Content-Type"] = "application/json; charset=utf-8" }] = 200,
    } do
      local r = patch(n, headers)
      assert.equals(status, r.status, r.body)
    end
  end)
end)
