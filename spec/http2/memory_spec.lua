-- What slow clients of HTTP/2 cost in memory: kilobytes a stream, whatever waits behind it.
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local proxied = require "support.proxied"

local KIB, MIB = 1024, 1024 * 1024
local SIZE = MIB
local SLOW = 100

-- One that has an answer of 1 MiB ready for everybody.
local function start()
  local n = proxied.start(function(conn, request)
    if request.target ~= "/endless" then return request.target end
    conn:send("HTTP/1.1 200 OK\r\nContent-Length: " .. SIZE .. "\r\n\r\n")
    conn:send(("b"):rep(SIZE))
  end, "workers = 1,")
  h2_client.connect(n.port):get "/warm"
  return n
end

-- A hundred answers of which the client takes one window each.
local function stall(n, window)
  local c = h2_client.connect(n.port, { keeps_windows = true, timeout = 30, settings = {
    { "INITIAL_WINDOW_SIZE", window },
  } })
  c:send(frames.window(0, SLOW * window))
  local ids = {}
  for i = 1, SLOW do ids[i] = c:request { [":path"] = "/endless" } end
  for _, id in ipairs(ids) do
    assert.is_truthy(c:wait(function() return c:stream(id).length == window end))
    c:stream(id).pieces = {}
  end
  return c, ids
end

-- Once it has read all that it reads.
local function settled(n)
  local last
  return eventually(function()
    local now = proxied.own(n)
    local is_still = now == last
    last = now
    return is_still and now
  end)
end

describe("A hundred slow answers", function()
  for _, window in ipairs { 100, 10000, 65535 } do
    it(("cost kilobytes each, with windows of %d bytes"):format(window), function()
      local n = start()
      local before = proxied.own(n)
      stall(n, window)
      local each = (settled(n) - before) / SLOW
      if eventually.slowness == 1 then assert.is_true(each < 24 * KIB, each) end
    end)
  end

  it("go on when they are taken, small piece after small piece", function()
    local n = start()
    local c, ids = stall(n, 100)
    for _, more in ipairs { 1, 5000, 100000, SIZE - 105101 } do
      for i = 1, SLOW, 20 do
        local target = c:stream(ids[i]).length + more
        c:send(frames.window(0, more) .. frames.window(ids[i], more))
        assert.is_truthy(c:wait(function() return c:stream(ids[i]).length == target end))
      end
    end
    for i = 1, SLOW, 20 do assert.is_true(c:answer(ids[i]).ended) end
  end)
end)
