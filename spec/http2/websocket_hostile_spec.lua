-- Extended CONNECT (RFC 8441) where one of the two sides does not do its part.
local h2_client = require "support.h2_client"
local frames = require "support.h2_frames"
local proxied = require "support.proxied"

local SWITCHES = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
  .. "Upgrade: websocket\r\n\r\n"

local function backend(conn)
  local request = conn:read_request()
  if request.target == "/page" then
    conn:send "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"
    return
  end
  conn:send(SWITCHES .. "first")
  while true do
    local bytes = conn:read_some()
    if not bytes or bytes == "" then return end
    conn:send(bytes)
  end
end

local n, web

setup(function() n, web = proxied.start { connection = backend, allow_errors = true } end)

local function connect(path, protocol)
  local c = h2_client.connect(n.address)
  local id = c:request({ [":method"] = "CONNECT", [":protocol"] = protocol or "websocket",
    [":path"] = path }, { open = true })
  return c, id
end

local function opened()
  local c, id = connect "/chat"
  c:wait(function() return c:body_of(id) == "first" end)
  return c, id
end

describe("A WebSocket over HTTP/2", function()
  it("is none where the backend answers 200 instead of 101", function()
    local c, id = connect "/page"
    assert.equal("502", c:wait(function() return c:stream(id).fields end)[":status"])
    assert.equal("page", h2_client.connect(n.address):get("/page").body)
  end)

  it("has a protocol that is a token, and not HTTP/2 itself", function()
    local before = #web:requests()
    for _, protocol in ipairs { "web socket", "websocket, h2c", "a/b(c)", "h2c", "H2C" } do
      local c, id = connect("/chat", protocol)
      assert.matches("reset PROTOCOL_ERROR", c:outcome(id), nil, protocol)
    end
    assert.equal(before, #web:requests())
  end)

  it("has no trailers (RFC 9113 §8.5), well-formed or not", function()
    for _, trailers in ipairs { { { "x", "y" } }, { { "Upper", "y" } }, { { ":path", "/" } } } do
      local c, id = opened()
      c:data(id, ("z"):rep(1000))
      c:head(id, trailers, { end_stream = true })
      c:wait(function() return c:stream(id).reset end)
      assert.equal("PROTOCOL_ERROR", c:stream(id).reset)
      assert.equal("page", c:get("/page").body)
    end
  end)

  it("has no fields before it stands, either", function()
    local c, id = connect "/chat"
    c:head(id, { { "x", "y" } }, { end_stream = true })
    c:wait(function() return c:stream(id).reset end)
    assert.equal("page", c:get("/page").body)
  end)

  it("ends with its connection, with bytes on their way", function()
    local c, id = opened()
    c:data(id, ("z"):rep(30000))
    c:send(frames.headers(id, "\x82", { end_headers = false }))
    c:close()
    assert.equal("page", h2_client.connect(n.address):get("/page").body)
  end)
end)
