-- RFC 9113 §5.2 and §6.9, by raw frames: flow control to the letter.
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local proxied = require "support.proxied"

local TYPE = frames.TYPE
local MOST = 2 ^ 31 - 1
local n

setup(function()
  n = proxied.start(function(conn, request)
    if request.target == "/stuck" then conn:wait(30) end
    conn:read_body()
    return ("b"):rep(tonumber(request.target:match "^/(%d+)$"))
  end)
end)

local function connect(settings)
  return h2_client.connect(n.port, { settings = settings, keeps_windows = true })
end

local function get(c, size) return c:request { [":path"] = "/" .. size } end

-- All that may come has come when a PING has been answered after the head, twice.
local function received(c, id)
  c:wait(function() return c:stream(id).fields end)
  c:ping()
  c:ping()
  return c:stream(id).length
end

local function grows_to(c, id, length)
  assert.is_truthy(c:wait(function() return c:stream(id).length >= length end))
  assert.equal(length, received(c, id))
end

describe("WINDOW_UPDATE (§6.9)", function()
  it("of nothing is an error: of the stream, or of the connection", function()
    local c = connect()
    local id = c:request({ [":method"] = "POST", [":path"] = "/1" }, { open = true })
    c:send(frames.window(id, 0))
    assert.is_truthy(c:outcome(id):find "PROTOCOL_ERROR")
    c = connect()
    c:send(frames.window(0, 0))
    assert.equal("goaway PROTOCOL_ERROR", c:fate())
  end)

  it("has four octets", function()
    for _, id in ipairs { 0, 1 } do
      local c = connect()
      c:request({ [":method"] = "POST", [":path"] = "/1" }, { open = true })
      c:send(frames.frame(TYPE.WINDOW_UPDATE, 0, id, "123"))
      assert.equal("goaway FRAME_SIZE_ERROR", c:fate())
    end
  end)

  it("lets no window exceed 2^31-1 (§6.9.1)", function()
    local c = connect()
    c:send(frames.window(0, MOST) .. frames.window(0, MOST))
    assert.equal("goaway FLOW_CONTROL_ERROR", c:fate())
    c = connect()
    local id = c:request({ [":method"] = "POST", [":path"] = "/1" }, { open = true })
    c:send(frames.window(id, MOST) .. frames.window(id, MOST))
    assert.equal("reset FLOW_CONTROL_ERROR", c:outcome(id))
    assert.is_true(c:ping())
  end)
end)

describe("The window of a stream", function()
  it("is never overrun, and used up to its end", function()
    local c = connect { { "INITIAL_WINDOW_SIZE", 0 } }
    local id = get(c, 20)
    assert.equal(0, received(c, id))
    c:send(frames.window(id, 1))
    grows_to(c, id, 1)
    c:send(frames.window(id, 7))
    grows_to(c, id, 8)
    c:send(frames.window(id, 100))
    assert.equal(20, #c:answer(id).body)
  end)

  it("follows INITIAL_WINDOW_SIZE, also of streams under way (§6.9.2)", function()
    local c = connect { { "INITIAL_WINDOW_SIZE", 3 } }
    local id = get(c, 50)
    grows_to(c, id, 3)
    c:send(frames.settings { { "INITIAL_WINDOW_SIZE", 13 } })
    grows_to(c, id, 13)
  end)

  it("may become negative, and is made good before more is sent", function()
    local c = connect { { "INITIAL_WINDOW_SIZE", 10 } }
    local id = get(c, 50)
    grows_to(c, id, 10)
    c:send(frames.settings { { "INITIAL_WINDOW_SIZE", 0 } }) -- now it is -10
    c:send(frames.window(id, 9))
    assert.equal(10, received(c, id))
    c:send(frames.window(id, 3))
    grows_to(c, id, 12)
  end)

  it("that SETTINGS would make too large ends the connection", function()
    local c = connect { { "INITIAL_WINDOW_SIZE", 10 } }
    local id = get(c, 1000000)
    grows_to(c, id, 10)
    c:send(frames.window(id, MOST - 5))
    c:send(frames.settings { { "INITIAL_WINDOW_SIZE", MOST } })
    assert.equal("goaway FLOW_CONTROL_ERROR", c:fate())
  end)
end)

describe("The window of a connection", function()
  it("is shared by its streams and never overrun", function()
    local c = connect { { "INITIAL_WINDOW_SIZE", 1000000 } }
    local first, second = get(c, 60000), get(c, 60000)
    local function sum() return c:stream(first).length + c:stream(second).length end
    c:wait(function() return sum() >= 65535 end)
    received(c, first)
    assert.equal(65535, sum())
    c:send(frames.window(0, 1000000))
    assert.equal(60000, #c:answer(first).body)
    assert.equal(60000, #c:answer(second).body)
  end)

  it("is not used by heads: an answer without a body needs none", function()
    local c = connect()
    get(c, 65535)
    c:wait(function() return c:stream(1).length == 65535 end)
    local id = c:request { [":method"] = "HEAD", [":path"] = "/5" }
    assert.equal(200, c:answer(id).status)
  end)
end)

describe("A client that sends more than its window", function()
  it("has FLOW_CONTROL_ERROR", function()
    local c = h2_client.connect(n.port)
    local id = c:request({ [":method"] = "POST", [":path"] = "/stuck" }, { open = true })
    -- Of a backend that takes nothing more than what fits in the buffers of its kernel.
    local piece = frames.data(id, ("x"):rep(16384)):rep(64)
    for _ = 1, 64 do
      if not c:send(piece) then break end
    end
    assert.is_truthy(c:outcome(id):find "FLOW_CONTROL_ERROR")
  end)
end)
