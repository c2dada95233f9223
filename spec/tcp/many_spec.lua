local eventually = require "support.eventually"
local net = require "support.net"
local proxied = require "support.proxied"
local resource = require "posix.sys.resource"
local tcp = require "support.tcp"

-- Each takes a descriptor here and one in the backend's process, which is a child of this one.
local function as_many_as_may()
  local limit = resource.getrlimit(resource.RLIMIT_NOFILE)
  return math.min(2000, math.floor(limit.rlim_cur / 2) - 200)
end

local function trip(fds, text)
  for _, fd in ipairs(fds) do assert.equal(#text, net.send(fd, text)) end
  for _, fd in ipairs(fds) do
    assert.is_true(net.wait(fd, "IN", 10 * eventually.slowness))
    assert.equal(text, net.receive(fd, 100))
  end
end

describe("very many connections #slow", function()
  it("are served at once, and leave nothing behind", function()
    local n, web = tcp.start(tcp.echo)
    local before, fds = proxied.count_fds(n), {}
    local count = as_many_as_may()
    for i = 1, count do fds[i] = assert(net.connect(n.address)) end
    trip(fds, "hello")
    assert.equal(before + 2 * count, proxied.count_fds(n))
    trip(fds, "again")
    for i, fd in ipairs(fds) do net[i % 2 == 0 and "close" or "reset"](fd) end
    eventually(function() return proxied.count_fds(n) == before end, 20)
    eventually(function() return web:open_connections() == 0 end, 20)
  end)
end)
