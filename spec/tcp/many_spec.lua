local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local redis = require "support.redis"
local resource = require "posix.sys.resource"
local tcp = require "support.tcp"

local WANTED, SPARE = 10000, 300
local NOFILE = resource.RLIMIT_NOFILE

-- Here and in Redis each takes one descriptor, in neap's two workers two: a half has them all.
local function as_many_as_may(limit) return math.min(WANTED, limit.rlim_max - SPARE) end

local function open_fds(n)
  local sum = 0
  for _, pid in ipairs(n:workers()) do sum = sum + n:fds()[pid] end
  return sum
end

local function trip(fds)
  for _, fd in ipairs(fds) do assert.equal(6, net.send(fd, "PING\r\n")) end
  for _, fd in ipairs(fds) do
    assert.is_true(net.wait(fd, "IN", 20 * eventually.slowness))
    assert.equal("+PONG\r\n", net.receive(fd, 100))
  end
end

describe("very many connections #slow", function()
  local limit

  before_each(function()
    limit = resource.getrlimit(NOFILE)
    resource.setrlimit(NOFILE, { rlim_cur = limit.rlim_max, rlim_max = limit.rlim_max })
  end)

  after_each(function() resource.setrlimit(NOFILE, limit) end)

  it("are served at once, and leave nothing behind", function()
    local count = as_many_as_may(limit)
    local server = redis.start { "--maxclients", tostring(count + 10) }
    local n = neap.start { config = tcp.config({ server.port }, "workers = 2") }
    local before, fds = open_fds(n), {}
    for i = 1, count do fds[i] = assert(net.connect(n.address)) end
    trip(fds)
    assert.equal(before + 2 * count, open_fds(n))
    trip(fds)
    for i, fd in ipairs(fds) do net[i % 2 == 0 and "close" or "reset"](fd) end
    eventually(function() return open_fds(n) == before end, 20)
    eventually(function() return server:clients() == 0 end, 20)
  end)
end)
