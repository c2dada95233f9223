local socket = require "posix.sys.socket"
local unistd = require "posix.unistd"
local admin = require "support.admin"
local eventually = require "support.eventually"
local udp = require "support.udp"

local ADMIN = 'name = "u", admin = { listen = "127.0.0.1:0" },'
local NAME = 'neap_service_dropped_datagrams_total{service="u",reason="%s"}'

local function wait_for_count(n, reason, count)
  eventually(function() return admin.metrics(n)[NAME:format(reason)] == count end)
  assert.equal(count, admin.status(n).services[1].dropped[reason])
end

-- IPv6 has room for a few bytes more than IPv4.
local function send_over_ip6(address, bytes)
  local fd = assert(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, 0))
  local to = { family = socket.AF_INET6, addr = "::1", port = tonumber(address:match "%d+$") }
  assert(socket.sendto(fd, bytes, to))
  unistd.close(fd)
end

describe("a datagram that goes nowhere", function()
  it("is counted where there are too many flows", function()
    local n = udp.start({ udp.named "a" }, ADMIN .. "limits = { udp_sessions = 1 },")
    udp.client(n.address):ask "1"
    local late = udp.client(n.address)
    for _ = 1, 3 do late:send "2" end
    wait_for_count(n, "sessions", 3)
  end)

  it("is counted where the policy does not let its client in", function()
    local n = udp.start({ udp.named "a" }, ADMIN
      .. "policy = { connection = function() return 'close' end },")
    udp.client(n.address):send "1"
    wait_for_count(n, "policy", 1)
  end)

  it("is counted and told where it is too long for the way to the backend", function()
    local server = udp.named "a"
    local n = udp.start({ server }, ADMIN .. 'listen = "[::1]:0",')
    send_over_ip6(n.address, ("x"):rep(65520))
    n:wait_log "service u: a datagram of 65520 bytes is too long to be sent on and was dropped"
    wait_for_count(n, "too_long", 1)
    eventually(function()
      send_over_ip6(n.address, ("y"):rep(65507 - 3))
      return #server:received() > 0
    end)
  end)

  it("is counted where too much came while a hook waits", function()
    local n = udp.start({ udp.named "a" }, ADMIN .. [[policy = { pick = function(_, pool)
      require("neap").sleep(1)
      return pool:first()
    end },]])
    local c = udp.client(n.address)
    for _ = 1, 3 do c:send(("x"):rep(30000)) end
    n:wait_log "service u: datagrams were dropped: too much came while a hook"
    wait_for_count(n, "waiting", 1)
  end)

  it("is nothing that services of other modes count", function()
    local n = admin.start({ udp.named("a").port }, 'name = "web",')
    for name in pairs(admin.metrics(n)) do assert.is_nil(name:find "dropped_datagrams") end
    assert.is_nil(admin.status(n).services[1].dropped)
  end)
end)
