-- Hedging over HTTP/2: from the client, to the backends, and both.
local client = require "support.client"
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local h2_server = require "support.h2_server"
local hedged = require "support.hedged"
local origin = require "support.origin"

local function silent()
  return h2_server.start { name = "silent", allow_errors = true, handler = function(h2, stream)
    h2:wait(function() return stream.reset end)
  end }
end

local function late(name, seconds)
  return h2_server.start { name = name, allow_errors = true, handler = function(h2)
    h2.conn:wait(seconds)
    return name
  end }
end

local function reset_of(o, number)
  return eventually(function()
    local stream = o:streams()[number]
    return stream and stream.reset
  end)
end

describe("a hedge over HTTP/2", function()
  it("resets the stream that lost, and its connection serves on", function()
    local first = h2_server.start { name = "first", allow_errors = true,
      handler = function(h2, stream)
        if stream.fields[":path"] ~= "/slow" then return "first" end
        h2:wait(function() return stream.reset end)
      end }
    local second = h2_server.start { name = "second" }
    local n = hedged.start({ first, second }, { p = "http2 = true" })
    assert.equal("second", n:get("/slow").body)
    assert.equal("CANCEL", reset_of(first, 1))
    assert.equal("first", n:get("/").body)
    assert.equal(1, first:connections())
    hedged.settled(n)
  end)

  it("passes bodies of all sizes and trailers of the one that won", function()
    local body = ("0123456789"):rep(30000)
    local second = h2_server.start { handler = function(_, stream)
      return { body = stream.fields[":path"] == "/large" and body or "small",
        trailers = { { "x-end", "yes" } } }
    end }
    local n = hedged.start({ silent(), second }, { p = "http2 = true" })
    local c = h2_client.connect(n.address)
    assert.equal("small", c:get("/small").body)
    local answer = c:get("/large")
    assert.equal(body, answer.body)
    assert.equal("yes", answer.trailers["x-end"])
    local c1 = client.connect(n.address)
    assert.equal(body, c1:request("GET", "/large").body)
  end)

  it("from clients of HTTP/2 to backends of HTTP/1: all streams of a connection", function()
    local first, second = hedged.slow("first", 20), origin.start { name = "second" }
    local n = hedged.start({ first, second })
    local c = h2_client.connect(n.address)
    local ids = {}
    for i = 1, 10 do ids[i] = c:request { [":path"] = "/" .. i } end
    for _, id in ipairs(ids) do assert.equal("second", c:answer(id).body) end
    eventually(function() return first:open_connections() == 0 end)
    hedged.settled(n)
    assert.equal(10, hedged.counts(n).won)
  end)

  it("ends with the client's stream", function()
    local first, second = silent(), silent()
    local n = hedged.start({ first, second }, { p = "http2 = true" })
    local c = h2_client.connect(n.address)
    local id = c:request {}
    eventually(function()
      local inflight = hedged.inflight(n)
      return inflight[1] == 1 and inflight[2] == 1
    end)
    c:send(frames.reset(id, 8))
    assert.equal("CANCEL", reset_of(first, 1))
    assert.equal("CANCEL", reset_of(second, 1))
    hedged.settled(n)
  end)

  it("goes on when the first backend resets its stream", function()
    local first = h2_server.start { handler = function(h2, stream)
      h2.conn:wait(0.8)
      h2:send(frames.reset(stream.id, 2))
    end }
    local n = hedged.start({ first, late("second", 1.2) }, { p = "http2 = true",
      policy = [[{ pick = function(_, pool) return pool:first() end,
        failed = function() return "retry" end }]] })
    assert.equal("second", n:get("/").body)
    hedged.settled(n)
  end)
end)
