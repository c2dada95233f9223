-- Backends of HTTP/2 that serve nothing, or do what they may not.
local behind = require "support.behind"
local client = require "support.client"
local frames = require "support.h2_frames"
local h2_server = require "support.h2_server"
local hpack = require "support.hpack"

local POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
local NONE = { { "MAX_CONCURRENT_STREAMS", 0 } }

describe("A backend of HTTP/2 that allows no streams", function()
  it("is a failure, and is not dialled again and again", function()
    local n, o = behind.start({ settings = NONE }, "timeouts = { connect = 10 },")
    assert.equal(502, n:get("/").status)
    n:wait_log "allows no streams"
    assert.is_true(o:connections() < 5, o:connections())
  end)

  it("leaves its requests to others", function()
    local none, good = h2_server.start { settings = NONE }, h2_server.start { name = "good" }
    local n = behind.before { none, good }
    for _ = 1, 4 do assert.equal("good", client.request(n.address, POST).body) end
  end)
end)

describe("A backend of HTTP/2 that pushes", function()
  it("breaks the rules, and its connection ends; a POST is not sent again", function()
    local n, o = behind.start {
      connection = function(h2)
        h2.is_manual = true
        h2:begin()
        h2.io:read(#frames.PREFACE)
        local stream = h2:accept()
        h2:whole(stream)
        h2:record(stream)
        h2:send(frames.push_promise(stream.id, 2, hpack.block {
          { ":method", "GET" }, { ":scheme", "http" }, { ":authority", "a" }, { ":path", "/" },
        }))
        while h2:next() do end
      end,
    }
    assert.equal(502, client.request(n.address, POST).status)
    assert.equal(1, #o:streams())
  end)
end)
