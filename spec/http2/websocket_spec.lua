-- WebSocket over HTTP/2 (RFC 8441): an extended CONNECT becomes an upgrade of HTTP/1.1.
local h2_client = require "support.h2_client"
local proxied = require "support.proxied"

local function echo(conn)
  local request = conn:read_request()
  if request.target == "/no" then
    conn:send "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
    return
  end
  conn:send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    .. "Sec-WebSocket-Protocol: chat\r\n\r\nfirst ")
  if request.target == "/cut" then
    conn:reset()
    return
  end
  while true do
    local bytes = conn:read_some()
    if not bytes or bytes == "" then break end
    conn:send(bytes)
  end
  conn:send " last"
  conn:close()
end

local function connect(n, path)
  local c = h2_client.connect(n.address)
  c:wait(function() return c.settings_acked > 0 or c.peer_settings end)
  local id = c:request({ [":method"] = "CONNECT", [":protocol"] = "websocket",
    [":path"] = path or "/chat", { "sec-websocket-version", "13" } }, { open = true })
  return c, id
end

describe("A WebSocket over HTTP/2", function()
  it("goes to the backend as an upgrade, and its bytes both ways", function()
    local n, web = proxied.start { connection = echo }
    local c, id = connect(n)
    local stream = c:stream(id)
    c:wait(function() return stream.fields end)
    assert.equal("200", stream.fields[":status"])
    assert.equal("chat", stream.fields["sec-websocket-protocol"])
    assert.is_nil(stream.fields.upgrade)
    c:data(id, "hello")
    c:wait(function() return c:body_of(id) == "first hello" end)
    local request = web:requests()[1]
    assert.same({ "GET", "/chat", "websocket", "13" },
      { request.method, request.target, request.headers.upgrade,
        request.headers["sec-websocket-version"] })
    assert.equal(24, #request.headers["sec-websocket-key"])
    assert.matches("pgrade", request.headers.connection)
    c:data(id, "", { end_stream = true })
    c:wait(function() return stream.ended end)
    assert.equal("first hello last", c:body_of(id))
    assert.is_nil(stream.reset)
    assert.equal("no", c:get("/no").body)
  end)

  it("moves much, as windows allow", function()
    local n = proxied.start { connection = echo }
    local c, id = connect(n)
    local bytes = proxied.pattern(400000)
    c:send_body(id, bytes, { end_stream = true })
    c:wait(function() return c:stream(id).ended end)
    assert.is_true(c:body_of(id) == "first " .. bytes .. " last")
  end)

  it("may be refused by the backend, with its answer", function()
    local n = proxied.start { connection = echo }
    local c, id = connect(n, "/no")
    c:wait(function() return c:stream(id).ended end)
    assert.equal("403", c:stream(id).fields[":status"])
    assert.equal("no", c:body_of(id))
  end)

  it("that the backend resets is reset", function()
    local n = proxied.start { connection = echo }
    local c, id = connect(n, "/cut")
    c:wait(function() return c:stream(id).reset end)
    assert.is_truthy(c:stream(id).reset)
  end)

  it("that the client resets is reset at the backend", function()
    local n, web = proxied.start { connection = echo }
    local c, id = connect(n)
    c:wait(function() return c:body_of(id) == "first " end)
    c:send(require("support.h2_frames").reset(id))
    require "support.eventually" (function() return web:open_connections() == 0 end)
    assert.equal("no", c:get("/no").body)
  end)

  it("is offered by a setting, and needs its pseudo-fields", function()
    local n = proxied.start { connection = echo }
    local c = h2_client.connect(n.address)
    assert.equal("no", c:get("/no").body)
    assert.equal(1, c.peer_settings.ENABLE_CONNECT_PROTOCOL)
    local id = c:request { [":method"] = "CONNECT", [":protocol"] = "websocket",
      [":path"] = false }
    assert.equal("reset PROTOCOL_ERROR", c:outcome(id))
  end)
end)
