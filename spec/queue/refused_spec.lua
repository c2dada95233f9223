-- A request that is refused while it waits for a slot.
local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local gate = require "support.gate"
local h2_client = require "support.h2_client"

local SMALL = "limits = { body_bytes = 10 }, admin = { listen = '127.0.0.1:0' }"

local function waiting(n) return admin.status(n).pools[1].queue.waiting end

describe("a request whose body turns out too large while it waits for a slot", function()
  it("waits no longer, though its client does not take the answer yet", function()
    local g = gate.start()
    local n = gate.before({ g }, SMALL)
    local holder = client.connect(n.port)
    holder:send "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return #g:requests() == 1 end)
    local c = h2_client.connect(n.port,
      { settings = { { "INITIAL_WINDOW_SIZE", 0 } }, keeps_windows = true })
    local id = c:request({ { ":method", "POST" }, { ":path", "/2" } }, { open = true })
    eventually(function() return waiting(n) == 1 end)
    c:data(id, ("x"):rep(20))
    c:wait(function() return c:stream(id).fields end, "the head of the refusal")
    assert.equal("413", c:stream(id).fields[":status"])
    eventually(function() return waiting(n) == 0 end)
    g:open "/1"
    assert.same({ 200, "/1" }, { gate.answer(holder) })
    g:open "/3"
    assert.equal("/3", n:get("/3").body) -- the slot is free, and was looked at again
    assert.equal(2, #g:requests())
    c:send(frames.window(id, 1000))
    c:wait(function() return c:stream(id).ended end, "the end of the refusal")
    assert.matches("too large", c:body_of(id))
  end)
end)
