-- Back-pressure over HTTP/2: a stream that is not read holds no more than its window, its
-- neighbours go on, and the side that sends is read no faster than the other takes.
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local proxied = require "support.proxied"
local scope = require "support.scope"

local MIB = 1024 * 1024
local SIZE = 64 * MIB

-- A backend that writes down how much of an answer, or of a request, has gone through its hands.
local function start(more)
  local path = scope.directory() .. "/count"
  local n, o = proxied.start(function(conn, request)
    local function note(count) scope.write(path, tostring(count)) end
    if request.target == "/endless" then
      conn:send("HTTP/1.1 200 OK\r\nContent-Length: " .. SIZE .. "\r\n\r\n")
      local piece = ("b"):rep(65536)
      for i = 1, SIZE / 65536 do
        if not conn:send(piece) then return end
        note(i * 65536)
      end
    elseif request.target == "/stuck" then
      conn:wait(60)
    elseif request.target == "/count" then
      local count = 0
      conn:read_body(function(bytes) count = count + #bytes end)
      return tostring(count)
    else
      conn:read_body()
      return request.target
    end
  end, more)
  return n, o, function() return tonumber(scope.read(path)) or 0 end
end

local function settles(value)
  local last, same
  return eventually(function()
    local now = value()
    same = now == last and (same or 0) + 1 or 0
    last = now
    return same >= 10 and now
  end, 20)
end

describe("An answer that its client does not take", function()
  it("is not read from its backend beyond what buffers hold", function()
    local n, _, sent = start()
    local c = h2_client.connect(n.port, { keeps_windows = true })
    local id = c:request { [":path"] = "/endless" }
    c:wait(function() return c:stream(id).length == 65535 end)
    assert.is_true(settles(sent) < 16 * MIB)
    -- The connection and its other streams go on.
    c:send(frames.window(0, MIB))
    for i = 1, 20 do assert.equal("/" .. i, c:get("/" .. i).body) end
    assert.equal(65535, c:stream(id).length)
  end)

  it("goes on where it was, when it is taken", function()
    local n = start()
    local c = h2_client.connect(n.port, { keeps_windows = true, timeout = 20 })
    local id = c:request { [":path"] = "/endless" }
    c:wait(function() return c:stream(id).length == 65535 end)
    while c:stream(id).length < SIZE do
      local target = math.min(SIZE, c:stream(id).length + 8 * MIB)
      c:send(frames.window(0, target - c:stream(id).length)
        .. frames.window(id, target - c:stream(id).length))
      assert.is_truthy(c:wait(function() return c:stream(id).length >= target end))
      c:stream(id).pieces = {}
    end
    assert.is_true(c:answer(id).ended)
  end)

  it("ends with its client's RST_STREAM: the backend's connection is not kept", function()
    local n, o = start()
    local c = h2_client.connect(n.port, { keeps_windows = true })
    local id = c:request { [":path"] = "/endless" }
    c:wait(function() return c:stream(id).length == 65535 end)
    c:send(frames.reset(id))
    eventually(function() return o:open_connections() == 0 end, 15)
    assert.is_true(c:ping())
  end)
end)

describe("A hundred slow answers", function()
  it("cost kilobytes each, and nothing when they are gone", function()
    local n = start "workers = 1,"
    h2_client.connect(n.port):get "/warm"
    local before = proxied.resident(n)
    local c = h2_client.connect(n.port, { keeps_windows = true, settings = {
      { "INITIAL_WINDOW_SIZE", 100 },
    } })
    for _ = 1, 100 do c:request { [":path"] = "/endless" } end
    for i = 1, 100 do
      assert.is_truthy(c:wait(function() return c:stream(2 * i - 1).length == 100 end))
    end
    if eventually.slowness == 1 then
      assert.is_true(proxied.resident(n) - before < 4 * MIB,
        ("%d KiB"):format((proxied.resident(n) - before) / 1024))
    end
    c:close()
    eventually(function() return proxied.count_fds(n) < 40 end, 15)
    assert.equal("/x", h2_client.connect(n.port):get("/x").body)
  end)
end)

describe("An upload that its backend does not take", function()
  it("stops at its window; the connection and its other streams go on", function()
    local n = start()
    local c = h2_client.connect(n.port)
    local id = c:request({ [":method"] = "POST", [":path"] = "/stuck" }, { open = true })
    c:ping()
    -- As the windows allow, until they are shut for good.
    local stream, piece, sent = c:stream(id), ("x"):rep(16384), 0
    c.socket.timeout = 2
    while pcall(c.wait, c, function() return math.min(c.window, stream.window) >= #piece end) do
      c.window, stream.window, sent = c.window - #piece, stream.window - #piece, sent + #piece
      c:data(id, piece)
      assert.is_true(sent < SIZE)
    end
    assert.is_true(c.window > 0)
    for i = 1, 20 do
      local answer = c:answer(c:request({ [":method"] = "POST", [":path"] = "/count" },
        { body = ("y"):rep(1000 * i) }))
      assert.equal(tostring(1000 * i), answer.body)
    end
    assert.is_nil(c:stream(id).reset)
  end)

  it("of any size comes whole to one that does", function()
    local n = start "limits = { body_bytes = false },"
    local c = h2_client.connect(n.port, { timeout = 20 })
    local answer = c:answer(c:request({ [":method"] = "POST", [":path"] = "/count" },
      { body = ("z"):rep(16 * MIB) }))
    assert.equal(tostring(16 * MIB), answer.body)
  end)
end)
