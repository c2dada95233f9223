local client = require "support.client"
local eventually = require "support.eventually"
local example = require "support.example"
local origin = require "support.origin"
local testing = require "neap.testing"

describe("example rate_limit", function()
  local n, web

  before_each(function()
    local function handler(conn, request)
      if request.target == "/reports/slow" then conn:closed(30) end
      return conn.name
    end
    web = { origin.start { handler = handler, allow_errors = true },
      origin.start { handler = handler, allow_errors = true } }
    n = example.start("rate_limit", { [8081] = web[1], [8082] = web[2] })
    example.checked(n, web)
  end)

  it("bounds the reports that a client makes at once", function()
    local clients = {}
    for i = 1, 2 do
      clients[i] = client.connect(n.address)
      clients[i]:send "GET /reports/slow HTTP/1.1\r\nHost: a\r\n\r\n"
    end
    eventually(function() return n:get("/reports/x").status == 429 end)
    assert.equal("5", n:get("/%72eports//x").headers["retry-after"])
    clients[1]:close()
    eventually(function() return n:get("/reports/x").status == 200 end)
  end)

  it("lets nobody guess passwords fast", function()
    local c = client.connect(n.address)
    for i = 1, 6 do
      local answer = c:request("POST", i % 2 == 0 and "/login" or "//login")
      assert.equal(i < 6 and 200 or 429, answer.status)
    end
    assert.equal(200, n:get("/login").status)
  end)
end)

describe("the policy of example rate_limit", function()
  local pool
  before_each(function()
    pool = testing.balancer({ config = "examples/rate_limit/config.lua" }).pool
  end)

  local function api(key, path, ip)
    return pool:send { path = path or "/api/x", client_ip = ip, headers = { ["X-Api-Key"] = key } }
  end

  it("gives each key what its plan allows", function()
    assert.equal(401, api(nil).status)
    assert.equal(401, api("another").status)
    assert.equal('"free";r=95;t=180', api("key-of-ben", "/api/search").headers["ratelimit"])
    for _ = 1, 5 do
      for _ = 1, 19 do assert.equal(200, api("key-of-ben").status) end
      pool:advance(3)
    end
    local refused = api("key-of-ben")
    assert.same({ 429, "21" }, { refused.status, refused.headers["retry-after"] })
    assert.equal(200, api("key-of-anna").status)
  end)

  it("bounds what a client asks for, whatever it is", function()
    for _ = 1, 60 do assert.equal(200, pool:send({ path = "/" }).status) end
    assert.equal(429, pool:send({ path = "/" }).status)
    assert.equal(200, pool:send({ path = "/", client_ip = "192.0.2.1" }).status)
    pool:advance(1)
    for i = 1, 21 do assert.equal(i <= 20 and 200 or 429, pool:send({ path = "/" }).status) end
  end)
end)
