-- RFC 9113 §6, by raw frames: what each type may carry, and what follows when it does not.
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local hpack = require "support.hpack"
local proxied = require "support.proxied"

local TYPE, FLAG = frames.TYPE, frames.FLAG
local n

setup(function()
  n = proxied.start(function(conn, request)
    local body = conn:read_body() or ""
    local size = tonumber(request.target:match "^/(%d+)$")
    return { headers = { ["X-Length"] = #body }, body = ("b"):rep(size or 5) }
  end)
end)

local function connect(options) return h2_client.connect(n.port, options) end

local function block(more) return hpack.block(h2_client.fields(more)) end

-- On a connection with stream 1 open: what becomes of it after these bytes.
local function fate(bytes)
  local c = connect()
  c:request({ [":method"] = "POST" }, { open = true })
  c:send(bytes)
  return c:fate()
end

local function outcome(bytes)
  local c = connect()
  local id = c:request({ [":method"] = "POST" }, { open = true })
  c:send(bytes)
  return c:outcome(id)
end

describe("DATA (§6.1)", function()
  it("belongs to a stream", function()
    assert.equal("goaway PROTOCOL_ERROR", fate(frames.data(0, "x")))
  end)

  it("may be padded, empty, in many pieces; the padding is no part of the body", function()
    local c = connect()
    local id = c:request({ [":method"] = "POST" }, { open = true })
    c:data(id, "", {})
    c:data(id, "abc", { pad = 255 })
    c:data(id, "", { pad = 0 })
    for _ = 1, 5 do c:data(id, "d") end
    c:data(id, "", { end_stream = true, pad = 7 })
    assert.equal("8", c:answer(id).headers["x-length"])
  end)

  it("has no more padding than it is long", function()
    assert.equal("goaway PROTOCOL_ERROR",
      fate(frames.frame(TYPE.DATA, FLAG.PADDED, 1, "\5abc")))
    assert.equal("goaway PROTOCOL_ERROR", fate(frames.frame(TYPE.DATA, FLAG.PADDED, 1, "\1")))
  end)

  it("that is padded has the length of its padding", function()
    assert.is_truthy(fate(frames.frame(TYPE.DATA, FLAG.PADDED, 1, ""))
      :find "^goaway [PF]R[A-Z_]*_ERROR$")
  end)
end)

describe("HEADERS (§6.2)", function()
  it("belong to a stream", function()
    assert.equal("goaway PROTOCOL_ERROR", fate(frames.headers(0, block())))
  end)

  it("may be padded and carry a priority", function()
    local c = connect()
    assert.equal(200, c:answer(c:request({}, { pad = 100, priority = { weight = 9 } })).status)
  end)

  it("have no more padding than they are long", function()
    assert.equal("goaway PROTOCOL_ERROR",
      fate(frames.frame(TYPE.HEADERS, FLAG.PADDED + FLAG.END_HEADERS, 3, "\20" .. "abc")))
  end)

  it("that say they carry a priority do", function()
    assert.is_truthy(fate(frames.frame(TYPE.HEADERS, FLAG.PRIORITY + FLAG.END_HEADERS, 3, "\0\0"))
      :find "^goaway [PF]R[A-Z_]*_ERROR$")
  end)
end)

describe("PRIORITY (§6.3)", function()
  it("belongs to a stream", function()
    assert.equal("goaway PROTOCOL_ERROR", fate(frames.priority(0, 0, 16)))
  end)

  it("has five octets", function()
    assert.is_truthy(outcome(frames.frame(TYPE.PRIORITY, 0, 1, "1234")):find "FRAME_SIZE_ERROR")
  end)
end)

describe("RST_STREAM (§6.4)", function()
  it("belongs to a stream, one that has begun", function()
    assert.equal("goaway PROTOCOL_ERROR", fate(frames.reset(0)))
    assert.equal("goaway PROTOCOL_ERROR", fate(frames.reset(3)))
  end)

  it("has four octets", function()
    assert.equal("goaway FRAME_SIZE_ERROR", fate(frames.frame(TYPE.RST_STREAM, 0, 1, "123")))
    assert.equal("goaway FRAME_SIZE_ERROR", fate(frames.frame(TYPE.RST_STREAM, 0, 1, "12345")))
  end)
end)

describe("SETTINGS (§6.5)", function()
  it("belong to no stream", function()
    assert.equal("goaway PROTOCOL_ERROR", fate(frames.frame(TYPE.SETTINGS, 0, 1, "")))
  end)

  it("have six octets each, and none when they acknowledge", function()
    assert.equal("goaway FRAME_SIZE_ERROR", fate(frames.frame(TYPE.SETTINGS, 0, 0, "123")))
    assert.equal("goaway FRAME_SIZE_ERROR", fate(frames.frame(TYPE.SETTINGS, 0, 0, "1234567")))
    assert.equal("goaway FRAME_SIZE_ERROR",
      fate(frames.frame(TYPE.SETTINGS, FLAG.ACK, 0, "123456")))
  end)

  it("have values within their bounds (§6.5.2)", function()
    for _, row in ipairs {
      { "ENABLE_PUSH", 2, "PROTOCOL_ERROR" },
      { "INITIAL_WINDOW_SIZE", 2 ^ 31, "FLOW_CONTROL_ERROR" },
      { "INITIAL_WINDOW_SIZE", 2 ^ 32 - 1, "FLOW_CONTROL_ERROR" },
      { "MAX_FRAME_SIZE", 16383, "PROTOCOL_ERROR" },
      { "MAX_FRAME_SIZE", 2 ^ 24, "PROTOCOL_ERROR" },
      { "ENABLE_CONNECT_PROTOCOL", 2, "PROTOCOL_ERROR" },
    } do
      assert.equal(row[1] .. " goaway " .. row[3],
        row[1] .. " " .. fate(frames.settings { { row[1], row[2] } }))
    end
  end)

  it("that are unknown are ignored, but acknowledged", function()
    local c = connect { settings = { { 0xabcd, 1 }, { "ENABLE_PUSH", 0 } } }
    assert.is_truthy(c:wait(function() return c.settings_acked == 1 end))
    assert.equal(200, c:get("/").status)
  end)

  it("are acknowledged each (§6.5.3), and the last of equal names counts", function()
    local c = connect { keeps_windows = true, settings = {
      { "INITIAL_WINDOW_SIZE", 100 }, { "INITIAL_WINDOW_SIZE", 1 },
    } }
    local id = c:request()
    c:wait(function() return c:stream(id).length > 0 end)
    assert.equal(1, c:stream(id).length)
    c:send(frames.settings())
    assert.is_truthy(c:wait(function() return c.settings_acked == 2 end))
  end)
end)

describe("PUSH_PROMISE (§6.6, §8.4)", function()
  it("never comes from a client", function()
    assert.equal("goaway PROTOCOL_ERROR", fate(frames.push_promise(1, 2, block())))
  end)
end)

describe("PING (§6.7)", function()
  it("is answered with what it carried", function()
    local c = connect()
    c:send(frames.ping "abcdefgh")
    assert.is_truthy(c:wait(function() return c.pong == "abcdefgh" end))
  end)

  it("that acknowledges is not answered", function()
    local c = connect()
    c:send(frames.ping("nobody's", true))
    assert.is_true(c:ping())
    assert.equal("are you?", c.pong)
    assert.equal(1, c.pongs)
  end)

  it("belongs to no stream and has eight octets", function()
    assert.equal("goaway PROTOCOL_ERROR", fate(frames.frame(TYPE.PING, 0, 1, "12345678")))
    assert.equal("goaway FRAME_SIZE_ERROR", fate(frames.frame(TYPE.PING, 0, 0, "123456")))
    assert.equal("goaway FRAME_SIZE_ERROR", fate(frames.frame(TYPE.PING, 0, 0, "123456789")))
  end)
end)

describe("GOAWAY (§6.8)", function()
  it("belongs to no stream and is not cut short", function()
    assert.equal("goaway PROTOCOL_ERROR",
      fate(frames.frame(TYPE.GOAWAY, 0, 1, ("\0"):rep(8))))
    assert.equal("goaway FRAME_SIZE_ERROR", fate(frames.frame(TYPE.GOAWAY, 0, 0, "1234567")))
  end)
end)

describe("CONTINUATION (§6.10)", function()
  local function pieces(fields, count)
    local whole, list = block(fields), {}
    local size = math.ceil(#whole / count)
    for at = 1, #whole, size do list[#list + 1] = whole:sub(at, at + size - 1) end
    return list
  end

  it("goes on with a block, in several pieces", function()
    local c = connect()
    local list = pieces({ ["x-long"] = ("v"):rep(200) }, 5)
    c:send(frames.headers(1, list[1], { end_stream = true, end_headers = false }))
    for i = 2, #list do
      c:send(frames.continuation(1, list[i], { end_headers = i == #list }))
    end
    assert.equal(200, c:answer(1).status)
  end)

  it("belongs to the stream whose block is open", function()
    local list = pieces({}, 2)
    for _, id in ipairs { 0, 5 } do
      assert.equal("goaway PROTOCOL_ERROR", fate(frames.headers(3, list[1], { end_headers = false })
        .. frames.continuation(id, list[2])))
    end
  end)

  it("does not come after the end of a block, or after DATA", function()
    local list = pieces({}, 2)
    assert.equal("goaway PROTOCOL_ERROR",
      fate(frames.headers(3, block()) .. frames.continuation(3, "")))
    assert.equal("goaway PROTOCOL_ERROR", fate(frames.headers(3, list[1], { end_headers = false })
      .. frames.continuation(3, list[2]) .. frames.continuation(3, "")))
    assert.equal("goaway PROTOCOL_ERROR", fate(frames.data(1, "x") .. frames.continuation(1, "")))
  end)
end)
