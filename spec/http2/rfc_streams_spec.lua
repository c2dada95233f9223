-- RFC 9113 §5.1 to §5.3, by raw frames: states of streams, numbers, how many there may be.
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local hpack = require "support.hpack"
local proxied = require "support.proxied"

local n

setup(function()
  n = proxied.start(function(conn, request)
    if request.target == "/slow" then conn:wait(30) end
    return "whole"
  end, "limits = { streams = 10 },")
end)

local function connect(options) return h2_client.connect(n.port, options) end

local function block(more) return hpack.block(h2_client.fields(more)) end

local function ended(c)
  assert.equal(200, c:get("/").status)
  return 1
end

local function half_closed(c) return c:request { [":path"] = "/slow" } end

local function reset(c)
  local id = c:request({ [":method"] = "POST", [":path"] = "/slow" }, { open = true })
  c:send(frames.reset(id))
  return id
end

-- What becomes of a connection, on a stream of which the frame comes.
local function fate(begin, frame)
  local c = connect()
  c:send(frame(begin and begin(c) or 1))
  return c:fate()
end

local function data(id) return frames.data(id, "x", { end_stream = true }) end
local function headers(id) return frames.headers(id, block(), { end_stream = true }) end
local function continuation(id) return frames.continuation(id, block()) end

describe("A stream that is idle (§5.1)", function()
  it("takes no DATA, RST_STREAM, WINDOW_UPDATE or CONTINUATION", function()
    for _, frame in ipairs {
      data, function(id) return frames.reset(id) end, continuation,
      function(id) return frames.window(id, 100) end,
    } do
      assert.equal("goaway PROTOCOL_ERROR", fate(nil, frame))
    end
  end)

  it("takes PRIORITY", function()
    local c = connect()
    c:send(frames.priority(1, 0, 256))
    assert.equal(200, c:answer(c:request()).status)
  end)
end)

describe("A stream that its client has ended", function()
  it("takes no DATA and no HEADERS, but the connection goes on only for what is the stream's",
    function()
      for _, frame in ipairs { data, headers } do
        local c = connect()
        local id = half_closed(c)
        c:send(frame(id))
        assert.is_truthy(c:outcome(id):find "STREAM_CLOSED")
      end
    end)

  it("takes no CONTINUATION", function()
    assert.equal("goaway PROTOCOL_ERROR", fate(half_closed, continuation))
  end)

  it("takes WINDOW_UPDATE, PRIORITY and RST_STREAM", function()
    local c = connect()
    local id = half_closed(c)
    c:send(frames.window(id, 1) .. frames.priority(id, 0, 1) .. frames.reset(id))
    assert.is_true(c:ping())
    assert.equal(200, c:get("/").status)
  end)
end)

describe("A stream that is closed", function()
  it("after RST_STREAM of its client takes no HEADERS and no DATA", function()
    for _, frame in ipairs { headers, data } do
      local c = connect()
      local id = reset(c)
      c:send(frame(id))
      assert.is_truthy(c:outcome(id):find "STREAM_CLOSED")
    end
  end)

  it("after RST_STREAM of neap drops what was on its way", function()
    local c = connect()
    local id = c:request({ Upper = "case" }, { open = true })
    assert.equal("reset PROTOCOL_ERROR", c:outcome(id))
    c:send(frames.data(id, "x") .. headers(id))
    assert.equal(200, c:get("/").status)
  end)

  it("after RST_STREAM takes no CONTINUATION", function()
    assert.equal("goaway PROTOCOL_ERROR", fate(reset, continuation))
  end)

  it("after both ends takes no DATA, HEADERS or CONTINUATION", function()
    assert.equal("goaway STREAM_CLOSED", fate(ended, headers))
    assert.equal("goaway STREAM_CLOSED", fate(ended, data))
    assert.equal("goaway PROTOCOL_ERROR", fate(ended, continuation))
  end)

  it("takes PRIORITY, WINDOW_UPDATE and RST_STREAM", function()
    local c = connect()
    local id = ended(c)
    c:send(frames.priority(id, 0, 1) .. frames.window(id, 1) .. frames.reset(id))
    assert.is_true(c:ping())
  end)
end)

describe("The numbers of streams (§5.1.1)", function()
  it("are odd", function()
    assert.equal("goaway PROTOCOL_ERROR", fate(nil, function() return headers(2) end))
  end)

  it("grow", function()
    local c = connect()
    assert.equal(200, c:answer(c:request({}, { id = 5 })).status)
    c:send(headers(3))
    assert.is_truthy(c:fate():find "^goaway ")
  end)

  it("may leave some out, up to the last of all", function()
    local c = connect()
    for _, id in ipairs { 7, 101, 2 ^ 31 - 1 } do
      assert.equal(200, c:answer(c:request({}, { id = id })).status)
    end
  end)
end)

describe("The streams at a time (§5.1.2)", function()
  it("are announced; those above are refused, the others served", function()
    local c = connect()
    local ids = {}
    for i = 1, 11 do ids[i] = c:request { [":path"] = "/slow" } end
    assert.equal("reset REFUSED_STREAM", c:outcome(ids[11]))
    assert.equal(10, c.peer_settings.MAX_CONCURRENT_STREAMS)
    for i = 1, 10 do c:send(frames.reset(ids[i])) end
    assert.equal(200, c:get("/").status)
  end)

  it("are free again when they have ended, many times over", function()
    local c = connect()
    for _ = 1, 10 do
      local ids = {}
      for i = 1, 10 do ids[i] = c:request() end
      for _, id in ipairs(ids) do assert.equal(200, c:answer(id).status) end
    end
  end)
end)

describe("A priority (§5.3)", function()
  it("of any weight, on any stream, changes nothing", function()
    local c = connect()
    for _, priority in ipairs {
      { weight = 1 }, { weight = 256 }, { on = 99, weight = 7, exclusive = true },
    } do
      assert.equal(200, c:answer(c:request({}, { priority = priority })).status)
      c:send(frames.priority(201, priority.on, priority.weight, priority.exclusive))
    end
    assert.equal(200, c:answer(c:request({}, { id = 199 })).status)
  end)

  it("on itself is an error", function()
    local c = connect()
    local id = c:request({ [":path"] = "/slow" }, { priority = { on = 1 } })
    assert.is_truthy(c:outcome(id):find "PROTOCOL_ERROR")
    c = connect()
    c:send(frames.priority(2 ^ 30 + 1, 2 ^ 30 + 1, 1))
    assert.is_truthy(c:outcome(2 ^ 30 + 1):find "PROTOCOL_ERROR")
  end)
end)

describe("After all of that", function()
  it("others are served, and nothing is left", function()
    assert.equal(200, connect():get("/").status)
    eventually(function() return proxied.count_fds(n) < 60 end)
  end)
end)
