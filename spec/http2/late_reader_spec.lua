-- A client of HTTP/2 that takes its answer late: whatever part of it is still with neap when the
-- client's socket is full, all of it goes out as soon as there is room.
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"
local scope = require "support.scope"

local STEP, SIZES = 20000, 30 -- the last of them is larger than what a socket and neap hold

local function start()
  local o = origin.start {
    handler = function(conn, request)
      conn:read_body()
      return proxied.pattern(tonumber(request.target:match "%d+"))
    end,
  }
  local path = scope.directory() .. "/neap.sock"
  neap.start {
    config = proxied.config({ o }, ('listen = "unix:%s",'):format(path)),
  }
  return "unix:" .. path
end

-- Nothing more comes from the backend: what is left waits for the client.
local function ask_and_wait(address, size)
  local c = h2_client.connect(address, {
    settings = { { "INITIAL_WINDOW_SIZE", 16 * 1024 * 1024 } }, keeps_windows = true, timeout = 10,
  })
  c:send(frames.window(0, 16 * 1024 * 1024))
  local id = c:request { [":path"] = "/" .. size }
  local other = h2_client.connect(address)
  for _ = 1, 3 do other:get "/1" end
  other:close()
  return c, id
end

describe("A client of HTTP/2 that reads late", function()
  it("gets the whole answer, of any size", function()
    local address = start()
    for i = 1, SIZES do
      local c, id = ask_and_wait(address, i * STEP)
      local answer = c:answer(id)
      assert.equal(i * STEP, #answer.body)
      assert.is_true(answer.body == proxied.pattern(i * STEP))
      c:close()
    end
  end)
end)
