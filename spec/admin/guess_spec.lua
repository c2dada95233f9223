local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"

local PATH = "/pools/web/backends/127.0.0.1:1"

describe("guesses of the token", function()
  local function patch(n, token)
    return admin.call(n, "PATCH", PATH, { weight = 2 }, { Authorization = "Bearer " .. token })
  end

  it("never shut out who has it, but all wait for their turn", function()
    local n = admin.start({ 1 }, 'name = "web"')
    n:allow "wrong token"
    for i = 1, 12 do patch(n, "wrong-" .. i) end
    local began = eventually.now()
    local statuses = {}
    for i = 1, 8 do statuses[patch(n, "wrong-again-" .. i).status] = true end
    assert.is_true(eventually.now() - began > 0.5, "guesses were not slowed down")
    assert.is_true(statuses[429])
    local waiting = {}
    for i = 1, 20 do
      waiting[i] = client.connect(n.admin)
      waiting[i]:send(("POST /reload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer no-%d\r\n"
        .. "Content-Length: 0\r\n\r\n"):format(i))
    end
    assert.equal(200, patch(n, admin.token).status)
    for i = 1, 20 do assert.is_true(waiting[i]:read_response().status >= 401) end
  end)
end)
