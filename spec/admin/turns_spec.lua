local admin = require "support.admin"
local client = require "support.client"

local HEALTH = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

local function health(n) return client.request(n.admin, HEALTH).status end

describe("the admin side's connections", function()
  it("have one request answered, then others have their turn", function()
    local urls = {}
    for i = 1, 300 do urls[i] = "http://127.0.0.1:" .. i end
    local n = admin.start(urls, 'name = "web", health = { type = "none" }')
    local agent = n:agent()
    local greedy = client.connect(n.admin, { timeout = 30 })
    greedy:send(("HEAD /pools/web/backends HTTP/1.1\r\nHost: localhost\r\n\r\n"):rep(100))
    greedy:read_response { head = true }
    for _ = 1, 3 do assert.equal(200, health(n)) end
    greedy:fill()
    local _, answered = greedy.buffer:gsub("HTTP/1.1 200", "")
    assert.is_true(answered < 90, answered .. " were answered first")
    for _ = 1, 99 do assert.equal(200, greedy:read_response({ head = true }).status) end
    assert.equal(agent, n:agent())
  end)

  it("with half a request make room for others", function()
    local n, held = admin.start({ 1 }, 'name = "web"'), {}
    for _, half in ipairs { "GET /status HTTP/1.1\r\nHo",
      "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc" } do
      for _ = 1, 64 do
        local c = client.connect(n.admin)
        c:send(half)
        table.insert(held, c)
      end
      for _ = 1, 5 do assert.equal(200, health(n)) end
    end
  end)

  it("that ask again and again make room for who has not asked yet", function()
    local urls, held = {}, {}
    for i = 1, 300 do urls[i] = "http://127.0.0.1:" .. i end
    local n = admin.start(urls, 'name = "web", health = { type = "none" }')
    for i = 1, 100 do
      held[i] = client.connect(n.admin)
      held[i]:send(("HEAD /pools/web/backends HTTP/1.1\r\nHost: localhost\r\n\r\n"):rep(100))
    end
    for _ = 1, 5 do assert.equal(200, health(n)) end
  end)

  it("may end their side behind the request", function()
    local n = admin.start({ 1 }, 'name = "web"')
    local c = client.connect(n.admin)
    c:send(HEALTH)
    c:shutdown_write()
    assert.equal(200, c:read_response().status)
  end)
end)
