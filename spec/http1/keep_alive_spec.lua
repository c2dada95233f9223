local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

describe("keep-alive", function()
  it("serves many requests of a client over one connection to the backend", function()
    local n, web = proxied.start {}
    local c = client.connect(n.address)
    for _ = 1, 5 do assert.equal(200, c:request("GET", "/").status) end
    assert.equal(1, web:connections())
    assert.equal(5, #web:requests())
  end)

  it("lends a backend connection to one client after the other", function()
    local n, web = proxied.start {}
    for _ = 1, 5 do assert.equal(200, n:get("/").status) end
    assert.equal(1, web:connections())
  end)

  it("keeps the client when the backend closes", function()
    local n, web = proxied.start(function()
      return { body = "bye", headers = { Connection = "close" } }
    end)
    local c = client.connect(n.address)
    for _ = 1, 3 do
      local response = c:request("GET", "/")
      assert.equal("bye", response.body)
      assert.is_nil(response.headers.connection)
    end
    assert.equal(3, web:connections())
  end)

  it("ends with the answer to a client that asks for it, and keeps the backend", function()
    local n, web = proxied.start {}
    local c = client.connect(n.address)
    local response = c:request("GET", "/", { Connection = "close" })
    assert.equal("close", response.headers.connection)
    assert.is_true(c:closed())
    assert.equal(200, n:get("/").status)
    assert.equal(1, web:connections())
    assert.is_nil(web:requests()[1].headers.connection)
  end)

  it("is not used towards backends when keepalive.connections is 0", function()
    local n, web = proxied.start({}, "keepalive = { connections = 0 }")
    local c = client.connect(n.address)
    for _ = 1, 3 do assert.equal(200, c:request("GET", "/").status) end
    assert.equal(3, web:connections())
    assert.equal("close", web:requests()[1].headers.connection)
  end)

  it("sends at most keepalive.requests requests over one backend connection", function()
    local n, web = proxied.start({}, "keepalive = { requests = 2 }")
    local c = client.connect(n.address)
    for _ = 1, 4 do assert.equal(200, c:request("GET", "/").status) end
    assert.equal(2, web:connections())
  end)

  it("holds more for a moment, since the next burst may need them", function()
    local there = 0
    local n, web = proxied.start(function(conn)
      there = there + 1
      while there % 20 > 0 do conn:wait(0.01) end
      return "together"
    end, "keepalive = { connections = 1 }")
    local clients = {}
    for index = 1, 20 do clients[index] = client.connect(n.address) end
    for _ = 1, 3 do
      for _, c in ipairs(clients) do c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n" end
      for _, c in ipairs(clients) do assert.equal("together", c:read_response().body) end
    end
    assert.is_true(web:connections() < 40, "connections: " .. web:connections())
    eventually(function() return web:open_connections() == 1 end)
  end)

  it("holds at most keepalive.connections idle ones", function()
    local n, web = proxied.start(function(conn)
      conn:wait(0.1)
      return "late"
    end, "keepalive = { connections = 1 }")
    local clients = {}
    for index = 1, 3 do
      clients[index] = client.connect(n.address)
      clients[index]:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    end
    for _, c in ipairs(clients) do assert.equal("late", c:read_response().body) end
    assert.equal(3, web:connections())
    eventually(function() return web:open_connections() == 1 end)
  end)

  it("closes a backend connection that was idle for keepalive.idle", function()
    local n, web = proxied.start({}, "keepalive = { idle = 0.2 }")
    assert.equal(200, n:get("/").status)
    eventually(function() return web:open_connections() == 0 end)
    assert.equal(200, n:get("/").status)
    assert.equal(2, web:connections())
  end)

  it("notices at once when an idle backend connection is closed", function()
    local n, web = proxied.start { timeout = 0.1 }
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/").status)
    local open = proxied.count_fds(n)
    eventually(function() return web:open_connections() == 0 end)
    eventually(function() return proxied.count_fds(n) == open - 1 end)
    assert.equal(200, c:request("POST", "/", nil, "once").status)
  end)
end)
