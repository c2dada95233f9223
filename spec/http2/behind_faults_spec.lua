-- Backends that break RFC 9113, or HTTP within it: 502 for their stream or connection, and nobody
-- else notices.
local behind = require "support.behind"
local client = require "support.client"
local frames = require "support.h2_frames"

local FIRST = { { ":status", "200" } }

-- A backend that serves /good, and does this with everything else.
local function wrong(fault)
  return {
    allow_errors = true,
    handler = function(h2, stream)
      if stream.fields[":path"] == "/good" then return "good" end
      return fault(h2, stream)
    end,
  }
end

local function head(fields, options)
  return function(h2, stream) h2:head(stream.id, fields, options or { end_stream = true }) end
end

local function with(...)
  return { { ":status", "200" }, ... }
end

local function get(n, path)
  local c = client.connect(n.address)
  return c:request("GET", path or "/bad")
end

-- What a stream may not bring: 502, and the connection goes on.
local STREAM = {
  ["no :status"] = head { { "x-a", "1" } },
  ["a :status that is no number"] = head { { ":status", "abc" } },
  ["a :status of two digits"] = head { { ":status", "20" } },
  ["two :status"] = head { { ":status", "200" }, { ":status", "200" } },
  [":status after a field"] = head { { "x-a", "1" }, { ":status", "200" } },
  ["a pseudo-field of requests"] = head(with { ":path", "/" }),
  ["an unknown pseudo-field"] = head(with { ":x", "1" }),
  ["a name in upper case"] = head(with { "X-A", "1" }),
  ["a name with a blank"] = head(with { "x a", "1" }),
  ["an empty name"] = head(with { "", "1" }),
  ["a line end in a value"] = head(with { "x-a", "1\r\nx-b: 2" }),
  ["a NUL in a value"] = head(with { "x-a", "1\0" }),
  ["connection"] = head(with { "connection", "close" }),
  ["transfer-encoding"] = head(with { "transfer-encoding", "chunked" }),
  ["keep-alive"] = head(with { "keep-alive", "timeout=5" }),
  ["upgrade"] = head(with { "upgrade", "h2c" }),
  ["two lengths"] = head(with({ "content-length", "0" }, { "content-length", "0" })),
  ["a length that is no number"] = head(with { "content-length", "1x" }),
  ["a length and no body"] = head(with { "content-length", "5" }),
  ["101"] = head({ { ":status", "101" } }, {}),
  ["a 1xx that ends the stream"] = head { { ":status", "103" } },
  ["a longer body than its length"] = function(h2, stream)
    h2:head(stream.id, with { "content-length", "2" })
    h2:data(stream.id, "abc", { end_stream = true })
  end,
  ["a shorter body than its length"] = function(h2, stream)
    h2:head(stream.id, with { "content-length", "5" })
    h2:data(stream.id, "", { end_stream = true })
  end,
  ["a reset"] = function(h2, stream) h2:send(frames.reset(stream.id, 2)) end,
  ["a reset without an error"] = function(h2, stream) h2:send(frames.reset(stream.id, 0)) end,
}

-- What ends the connection.
local CONNECTION = {
  ["garbage"] = function(h2) h2:send(("\255"):rep(200)) end,
  ["HTTP/1"] = function(h2) h2:send "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" end,
  ["its end"] = function(h2) h2.conn:close() end,
  ["a reset of TCP"] = function(h2) h2.conn:reset() end,
  ["DATA before HEADERS"] = function(h2, stream)
    h2:data(stream.id, "abc", { end_stream = true })
  end,
  ["DATA on stream 0"] = function(h2) h2:data(0, "abc") end,
  ["DATA on a stream that never was"] = function(h2) h2:data(99, "abc") end,
  ["PUSH_PROMISE"] = function(h2, stream)
    h2:send(frames.push_promise(stream.id, 2, "\130\132\134"))
  end,
  ["a window that is too large"] = function(h2)
    h2:send(frames.window(0, 0x7fffffff))
    h2:send(frames.window(0, 0x7fffffff))
  end,
  ["a frame that is too long"] = function(h2, stream)
    h2:send(frames.data(stream.id, ("x"):rep(20000)))
  end,
  ["HPACK that is none"] = function(h2, stream)
    h2:send(frames.headers(stream.id, "\255\255\255\255\255\255\255", { end_stream = true }))
  end,
  ["SETTINGS of a wrong length"] = function(h2) h2:send(frames.frame(4, 0, 0, "12345")) end,
  ["GOAWAY with an error"] = function(h2) h2:send(frames.goaway(0x7fffffff, 1)) end,
  ["a flood of PING"] = function(h2)
    h2:send(frames.ping("12345678"):rep(20000))
  end,
  ["a flood of SETTINGS"] = function(h2)
    h2:send(frames.settings({}):rep(20000))
  end,
  ["a bomb of HPACK"] = function(h2, stream) -- 10 kB of references to 4 kB
    local entry = "\64\1a\127\189\29" .. ("x"):rep(3900)
    h2:send(frames.headers(stream.id, "\136" .. entry .. ("\190"):rep(10000)))
  end,
  ["a flood of WINDOW_UPDATE"] = function(h2, stream)
    h2:send(frames.window(stream.id, 1):rep(50000))
  end,
  ["a flood of CONTINUATION"] = function(h2, stream)
    h2:send(frames.headers(stream.id, "", { end_headers = false }))
    h2:send(frames.continuation(stream.id, "", { end_headers = false }):rep(20000))
  end,
}

-- How what breaks a connection is told.
local FOUND = {
  ["DATA before HEADERS"] = "PROTOCOL_ERROR",
  ["DATA on stream 0"] = "PROTOCOL_ERROR",
  ["PUSH_PROMISE"] = "PROTOCOL_ERROR",
  ["a window that is too large"] = "FLOW_CONTROL_ERROR",
  ["a frame that is too long"] = "FRAME_SIZE_ERROR",
  ["HPACK that is none"] = "COMPRESSION_ERROR",
  ["SETTINGS of a wrong length"] = "FRAME_SIZE_ERROR",
}

describe("a backend of HTTP/2 that sends", function()
  for what, fault in pairs(STREAM) do
    it(what .. " gives 502, and its connection goes on", function()
      local n, o = behind.start(wrong(fault))
      assert.equal("good", get(n, "/good").body)
      assert.equal(502, get(n).status)
      assert.equal("good", get(n, "/good").body)
      assert.equal(1, o:connections())
    end)
  end

  for what, fault in pairs(CONNECTION) do
    it(what .. " gives 502, and its connection ends", function()
      local n = behind.start(wrong(fault), "retry = { attempts = 1 }")
      assert.equal("good", get(n, "/good").body)
      local status = get(n).status
      assert.is_true(status == 502 or status == 503, status)
      assert.equal("good", get(n, "/good").body)
    end)
  end

  for what, words in pairs(FOUND) do
    it(what .. " is a failure of kind protocol, and says what it did", function()
      local n = behind.start(wrong(CONNECTION[what]), [[retry = { attempts = 1 },
        policy = { failed = function(_, _, failure)
          print("FAILED", failure.kind, failure.message)
          return "fail"
        end }]])
      get(n)
      n:wait_log("FAILED protocol .*" .. words)
    end)
  end

  it("a body that breaks off ends the client's connection", function()
    local n = behind.start(wrong(function(h2, stream)
      h2:head(stream.id, FIRST)
      h2:data(stream.id, "abc")
      h2:wait(0.2)
      h2:send(frames.reset(stream.id, 2))
    end))
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    local got, why = c:read_response()
    assert.is_true(got == nil or got.truncated, why)
    assert.equal("good", get(n, "/good").body)
  end)
end)
