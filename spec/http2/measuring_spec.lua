-- Peers of gRPC measure the way with a PING for each DATA frame that comes: that is no flood. Nor
-- is what a backend resets of the many streams of a busy connection.
local behind = require "support.behind"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local proxied = require "support.proxied"

local TIMES = 400

describe("A PING for each DATA frame", function()
  it("is answered, of a client", function()
    local c = h2_client.connect(proxied.start(function() return "x" end).address)
    local ids = {}
    for round = 1, TIMES / 20 do
      for i = 1, 20 do ids[i] = c:request {} end
      for i = 1, 20 do
        c:answer(ids[i])
        c:send(frames.ping())
      end
      c:wait(function() return c.pongs >= round * 20 or c.goaway end)
      assert.is_nil(c.goaway)
    end
  end)

  it("is answered, of a backend", function()
    local n, o = behind.start(function(h2, stream)
      h2:whole(stream)
      h2:send(frames.ping())
      return "x"
    end)
    local c = h2_client.connect(n.address)
    for _ = 1, TIMES do
      local id = c:request({ [":method"] = "POST" }, { body = "hello" })
      assert.equal(200, c:answer(id).status)
    end
    assert.equal(1, o:connections())
  end)
end)

describe("Many streams that a backend resets", function()
  it("leave its connection to the others", function()
    local n, o = behind.start(function(h2, stream)
      if stream.fields[":path"] ~= "/reset" then return "x" end
      h2:send(frames.reset(stream.id, frames.ERROR.CANCEL))
    end, "retry = { attempts = 1 },")
    local c = h2_client.connect(n.address)
    local ids = {}
    for _ = 1, TIMES / 50 do
      for i = 1, 50 do ids[i] = c:request { [":path"] = "/reset", [":method"] = "POST" } end
      for i = 1, 50 do c:answer(ids[i]) end
    end
    assert.equal(1, o:connections())
  end)
end)
