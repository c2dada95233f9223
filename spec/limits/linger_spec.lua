local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local BAD = "GET / HTTP/1.1\r\n\r\n" -- no Host

-- → the balancer, its open files before, and a client that was refused and does not close
local function refused()
  local n = proxied.start {}
  local before = proxied.count_fds(n)
  local c = client.connect(n.address)
  c:send(BAD)
  assert.equal(400, c:read_response().status)
  assert.is_true(c:closed())
  return n, before, c
end

describe("a client that stays after its last answer", function()
  it("gets a moment to read it, two seconds", function()
    local n, before = refused()
    eventually.always(function() return proxied.count_fds(n) > before end, 1)
    eventually(function() return proxied.count_fds(n) <= before end, 3)
  end)

  it("is not read for ever", function()
    local _, _, c = refused()
    local piece, stop = ("x"):rep(65536), eventually.now() + 4 * eventually.slowness
    while c:try_send(piece) do assert.is_true(eventually.now() < stop) end
  end)
end)
