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

  it("and sends on gets it all the same", function()
    local n = proxied.start({}, "limits = { body_bytes = 1000 }")
    local c = client.connect(n.address)
    c:send "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n"
    for _ = 1, 8 do -- longer than the two seconds, in small steps
      c:send(("x"):rep(100))
      eventually.always(function() return proxied.count_fds(n) end, 0.4)
    end
    for _ = 1, 80 do c:send(("x"):rep(100000)) end
    assert.equal(413, c:read_response().status)
  end)

  it("is not read for ever: timeouts.linger ends it", function()
    local n = proxied.start({}, "timeouts = { linger = 1 }")
    local c = client.connect(n.address)
    c:send(BAD)
    assert.equal(400, c:read_response().status)
    local piece, stop = ("x"):rep(65536), eventually.now() + 4 * eventually.slowness
    while c:try_send(piece) do assert.is_true(eventually.now() < stop) end
  end)

  it("is not read for ever, however little it sends", function()
    local n = proxied.start({}, "timeouts = { linger = 1 }")
    local c = client.connect(n.address)
    local before = eventually(function() return proxied.count_fds(n) end)
    c:send(BAD)
    assert.equal(400, c:read_response().status)
    eventually(function()
      c:try_send "x"
      return proxied.count_fds(n) <= before
    end, 3)
  end)
end)
