-- RFC 9113 §3 and §4, and §5.4, §5.5 and §7, by raw frames: how a connection begins, the layout and
-- size of frames, field blocks, errors, extensions.
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local hpack = require "support.hpack"
local process = require "support.process"
local proxied = require "support.proxied"

local TYPE = frames.TYPE
local n

setup(function()
  n = proxied.start(function(conn)
    local body = conn:read_body() or ""
    return { headers = { ["X-Length"] = #body }, body = "whole" }
  end)
end)

local function connect(options) return h2_client.connect(n.port, options) end

local function block(more) return hpack.block(h2_client.fields(more)) end

describe("The preface (RFC 9113 §3.4)", function()
  it("is followed by SETTINGS of the server, which acknowledges those of the client", function()
    local c = connect()
    assert.equal("SETTINGS", c:next().name)
    assert.is_truthy(c:wait(function() return c.settings_acked == 1 end))
  end)

  it("may come with the first request, in any pieces", function()
    local c = connect { begins = false }
    local bytes = frames.PREFACE .. frames.settings() .. frames.headers(1, block(),
      { end_stream = true })
    for i = 1, #bytes do c:send(bytes:sub(i, i)) end
    assert.equal(200, c:answer(1).status)
  end)

  it("must be whole and right: else the connection ends", function()
    for _, bytes in ipairs {
      "PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n" .. frames.settings(),
      "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
      "PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n",
      "PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n",
    } do
      local c = connect { begins = false }
      c:send(bytes)
      c.socket:shutdown_write()
      assert.is_string(c.socket:receive_all())
    end
  end)

  it("must be followed by SETTINGS", function()
    local c = connect { begins = false }
    c:send(frames.PREFACE .. frames.headers(1, block(), { end_stream = true }))
    assert.equal("goaway PROTOCOL_ERROR", c:fate())
  end)
end)

describe("Frames (§4.1)", function()
  it("of unknown types are ignored", function()
    local c = connect()
    c:send(frames.frame(0x16, 0xff, 0, ("x"):rep(100)) .. frames.frame(0xf7, 0, 3, "y"))
    assert.is_true(c:ping())
  end)

  it("with undefined flags are taken, and the flags ignored", function()
    local c = connect()
    c:send(frames.frame(TYPE.PING, 0xfe, 0, "12345678"))
    assert.is_truthy(c:wait(function() return c.pongs == 1 end))
    assert.equal("12345678", c.pong)
  end)

  it("with the reserved bit of the stream set are taken, and the bit ignored", function()
    local c = connect()
    c:send(frames.frame(TYPE.PING, 0, 2 ^ 31, "abcdefgh"))
    assert.is_truthy(c:wait(function() return c.pongs == 1 end))
  end)
end)

describe("The size of frames (§4.2)", function()
  it("may be 16384 octets", function()
    local c = connect()
    local id = c:request({ [":method"] = "POST" }, { open = true })
    c:data(id, ("x"):rep(16384), { end_stream = true })
    assert.equal("16384", c:answer(id).headers["x-length"])
  end)

  it("may not be more, of any frame", function()
    local large = ("x"):rep((connect().peer_settings.MAX_FRAME_SIZE or 16384) + 1)
    for _, type in ipairs { TYPE.DATA, TYPE.HEADERS } do
      local c = connect()
      local id = c:request({ [":method"] = "POST" }, { open = true })
      c:send(frames.frame(type, 0, type == TYPE.DATA and id or 3, large))
      assert.equal("goaway FRAME_SIZE_ERROR", c:fate())
    end
  end)
end)

describe("Field blocks (§4.3)", function()
  it("that cannot be decoded end the connection", function()
    local c = connect()
    c:send(frames.headers(1, hpack.indexed(100), { end_stream = true }))
    assert.equal("goaway COMPRESSION_ERROR", c:fate())
  end)

  it("are not interrupted by another frame, of any type and stream", function()
    for _, between in ipairs {
      frames.priority(1, 0, 16), frames.ping(), frames.settings(), frames.window(0, 1),
      frames.headers(3, block(), { end_stream = true }), frames.data(1, "x"), frames.reset(1),
      frames.frame(0xbb, 0, 0, "unknown"), frames.continuation(3, ""),
    } do
      local c = connect()
      c:send(frames.headers(1, block(), { end_headers = false, end_stream = true }) .. between)
      assert.equal("goaway PROTOCOL_ERROR", c:fate())
    end
  end)
end)

describe("Errors (§5.4, §7)", function()
  it("of a connection: GOAWAY with the last stream that was taken, then its end", function()
    local c = connect()
    assert.equal(200, c:get("/").status)
    c:send(frames.frame(TYPE.PING, 0, 0, "short"))
    assert.equal("goaway FRAME_SIZE_ERROR", c:fate())
    assert.equal(1, c.goaway.last)
  end)

  it("with unknown codes are taken as others are", function()
    local c = connect()
    local id = c:request({ [":method"] = "POST" }, { open = true })
    c:send(frames.reset(id, 0xff))
    assert.is_true(c:ping())
    assert.equal(200, c:get("/").status)
    c:send(frames.goaway(0, 0xff))
    c:finish()
    assert.is_true(c:closed())
  end)

  it("of a stream are its own: what is beside it goes on", function()
    local c = connect()
    local good = c:request({ [":method"] = "POST" }, { open = true })
    local bad = c:request { Upper = "case" }
    assert.equal("reset PROTOCOL_ERROR", c:outcome(bad))
    c:data(good, "rest", { end_stream = true })
    assert.equal("4", c:answer(good).headers["x-length"])
  end)
end)

describe("GOAWAY of a client (§6.8)", function()
  it("lets what it began end", function()
    local c = connect()
    local id = c:request({ [":method"] = "POST" }, { open = true })
    c:send(frames.goaway(0, 0))
    c:data(id, "last", { end_stream = true })
    assert.equal("4", c:answer(id).headers["x-length"])
    assert.is_true(c:closed())
  end)
end)

-- https://github.com/summerwind/h2spec; Debian has no package of it, the specs beside this one have
-- its sections.
describe("h2spec", function()
  it("passes, in its strict mode, where it is installed", function()
    if process.run { argv = { "sh", "-c", "command -v h2spec" } } ~= 0 then
      pending "h2spec is not in PATH"
      return
    end
    local code, out = process.run {
      argv = { "h2spec", "-S", "-h", "127.0.0.1", "-p", tostring(n.port), "-o", "5" }, limit = 120,
    }
    assert.equal(0, code, out)
  end)
end)
