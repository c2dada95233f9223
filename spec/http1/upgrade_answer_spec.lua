local client = require "support.client"
local proxied = require "support.proxied"

local function ask(upgrades)
  return "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n" .. upgrades .. "\r\n"
end

-- Answers with these lines, then sends back what comes.
local function answering(lines)
  return proxied.start {
    connection = function(conn)
      conn:read_request()
      conn:send("HTTP/1.1 " .. lines .. "\r\n")
      while true do
        local bytes = conn:read_some()
        if not bytes then return end
        conn:send(bytes)
      end
    end,
  }
end

local function answer_to(n, request)
  local c = client.connect(n.address)
  c:send(request)
  return c:read_response(), c
end

describe("the answer to an upgrade", function()
  for name, case in pairs {
    ["without Connection"] = { "Upgrade: proto/1\r\n", "Upgrade: proto/1\r\n" },
    ["in another case"] = { "Upgrade: WebSocket\r\n",
      "Connection: Upgrade\r\nUpgrade: websocket\r\n" },
    ["with one of several"] = { "Upgrade: a/1, b\r\nUpgrade: c\r\n",
      "Connection: Upgrade\r\nUpgrade: c\r\n" },
    ["with a version of its own"] = { "Upgrade: a/1\r\n",
      "Connection: upgrade\r\nUpgrade: A/2\r\n" },
  } do
    it("opens the tunnel: " .. name, function()
      local n = answering("101 Switching Protocols\r\n" .. case[2])
      local response, c = answer_to(n, ask(case[1]))
      assert.equal(101, response.status)
      assert.equal("upgrade", response.headers.connection)
      assert.equal(case[2]:match "Upgrade: (%C*)\r\n$", response.headers.upgrade)
      c:send "ping"
      assert.equal("ping", c:receive(4))
    end)
  end

  for name, case in pairs {
    ["another protocol"] = { "Upgrade: a\r\n", "Connection: Upgrade\r\nUpgrade: b\r\n" },
    ["one more"] = { "Upgrade: a\r\n", "Connection: Upgrade\r\nUpgrade: a, b\r\n" },
    ["none"] = { "Upgrade: a\r\n", "Connection: Upgrade\r\n" },
    ["an empty one"] = { "Upgrade: a\r\n", "Connection: Upgrade\r\nUpgrade:\r\n" },
    ["none was asked for"] = { "", "Connection: Upgrade\r\nUpgrade: a\r\n" },
    ["none was asked for, without Connection"] = { "", "Upgrade: a\r\n" },
  } do
    it("that nobody asked for is a 502: " .. name, function()
      local n = answering("101 Switching Protocols\r\n" .. case[2])
      assert.equal(502, (answer_to(n, ask(case[1])).status))
    end)
  end

  it("426 keeps its Upgrade, and the connection", function()
    local n = proxied.start(function()
      return { status = 426, body = "need",
        headers = { "Connection: upgrade", "Upgrade: a/1, b", "Upgrade: c", "Keep-Alive: x" } }
    end)
    local response, c = answer_to(n, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert.same({ 426, "need" }, { response.status, response.body })
    assert.equal("upgrade", response.headers.connection)
    assert.matches("Upgrade: a/1, b\r\nUpgrade: c\r\n", response.raw, 1, true)
    assert.is_nil(response.headers["keep-alive"])
    c:send "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    response = c:read_response()
    assert.equal("upgrade, close", response.headers.connection)
    assert.is_true(c:closed())
  end)

  it("of another status does not", function()
    local n = proxied.start(function()
      return { headers = { "Connection: upgrade", "Upgrade: h2, h2c" } }
    end)
    local response = answer_to(n, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert.is_nil(response.headers.upgrade)
    assert.is_nil(response.headers.connection)
  end)

  it("is asked for in as many lines as came", function()
    local n, web = proxied.start {}
    answer_to(n, ask "Upgrade: a/1\r\nX: y\r\nUpgrade: b, c\r\n")
    assert.matches("Upgrade: a/1\r\nUpgrade: b, c\r\n", web:requests()[1].raw, 1, true)
  end)
end)
