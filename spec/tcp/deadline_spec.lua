local client = require "support.client"
local eventually = require "support.eventually"
local net = require "support.net"
local proxied = require "support.proxied"
local tcp = require "support.tcp"

local LOG = [[, policy = { log = function(_, o)
  require "neap".log.info("ended %d: %s", o.status, o.reason)
end }]]

describe("a connection of a tcp service", function()
  it("ends when it was silent for timeouts.tunnel, and not before", function()
    local n, web = tcp.start(tcp.echo, "timeouts = { tunnel = 0.4 }" .. LOG)
    local c = client.connect(n.address)
    for _ = 1, 3 do
      eventually.pause(0.2, "shorter than timeouts.tunnel")
      c:send "x"
      assert.equal("x", c:receive(1))
    end
    assert.is_true(c:closed(2))
    eventually(function() return web:open_connections() == 0 end)
    n:wait_log "ended 200: tunnel was silent"
  end)

  it("is silent as long as it likes before that", function()
    local n = tcp.start(tcp.echo, "timeouts = { client_header = 0.1, connect = 0.1 }")
    local c = client.connect(n.address)
    eventually.pause(0.5, "longer than the other deadlines")
    c:send "x"
    assert.equal("x", c:receive(1))
  end)

  it("is reset when no backend answers within timeouts.connect", function()
    local n = tcp.before({ (net.silent()) }, "timeouts = { connect = 0.2 }" .. LOG)
    local c = client.connect(n.address)
    c:send "hello"
    local _, why = c:receive_all()
    assert.equal("reset", why)
    n:wait_log "ended 504: connecting to the backend timed out"
  end)

  it("is reset when timeouts.request is over before a backend is connected", function()
    local n = tcp.before({ (net.silent()) }, "timeouts = { connect = 5, request = 0.2 }" .. LOG)
    local _, why = client.connect(n.address):receive_all()
    assert.equal("reset", why)
    n:wait_log "ended 504"
  end)

  it("may outlast timeouts.request once it is", function()
    local n = tcp.start(tcp.echo, "timeouts = { request = 0.2 }")
    local c = client.connect(n.address)
    eventually.pause(0.5, "longer than timeouts.request")
    c:send "x"
    assert.equal("x", c:receive(1))
  end)

  it("ends with a client that was reset while connecting", function()
    local n = tcp.before({ (net.silent()) }, "timeouts = { connect = 20 }" .. LOG)
    local before = proxied.count_fds(n)
    local c = client.connect(n.address)
    c:send "hello"
    eventually(function() return proxied.count_fds(n) == before + 2 end)
    c:reset()
    n:wait_log "ended 0: client left"
    eventually(function() return proxied.count_fds(n) == before end)
  end)

  it("ends with a client that was reset while a hook waits", function()
    local n = tcp.start(tcp.echo, [[policy = {
      pick = function(_, pool) require "neap".sleep(4) return pool[1] end,
      log = function(_, o) require "neap".log.info("ended %d: %s", o.status, o.reason) end,
    }]])
    local before = proxied.count_fds(n)
    local c = client.connect(n.address)
    eventually(function() return proxied.count_fds(n) == before + 1 end)
    c:reset()
    n:wait_log "ended 0: client left"
  end)
end)

describe("a graceful stop of a tcp service", function()
  it("lets connections go on until they end", function()
    local n = tcp.start(tcp.echo)
    local c = client.connect(n.address)
    c:send "x"
    assert.equal("x", c:receive(1))
    n:signal "QUIT"
    n:wait_log "draining"
    assert.is_nil(net.connect(n.address))
    for _ = 1, 3 do
      c:send "y"
      assert.equal("y", c:receive(1))
    end
    c:close()
    assert.equal(0, n:wait(10))
  end)

  it("cuts them off when timeouts.drain is over", function()
    local n = tcp.start(tcp.echo, "timeouts = { drain = 0.3 }")
    local c = client.connect(n.address)
    c:send "x"
    assert.equal("x", c:receive(1))
    n:signal "QUIT"
    assert.is_true(c:closed(3))
    assert.equal(0, n:wait(10))
  end)
end)
