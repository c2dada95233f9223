local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"
local scope = require "support.scope"
local tcp = require "support.tcp"

-- Reads all, then answers piece by piece, then stays.
local function listener(pieces, pause)
  return function(conn)
    conn:read_all()
    for _ = 1, pieces do
      conn:send "x"
      conn:wait(pause)
    end
    conn:wait(5)
  end
end

-- How many sockets of this address (either end) have a keepalive timer.
local function probed(port)
  local count, hex = 0, (":%04X"):format(port)
  for line in scope.read("/proc/net/tcp"):gmatch "[^\n]+" do
    local own, peer, timer = line:match "^%s*%d+: (%S+) (%S+) 01 %S+ (%x%x):"
    if timer == "02" and (own:find(hex, 1, true) or peer:find(hex, 1, true)) then
      count = count + 1
    end
  end
  return count
end

describe("a tunnel of which one side has ended", function()
  it("ends when it is silent for half_closed", function()
    local n, web = tcp.start(listener(0), "timeouts = { half_closed = 0.3 }")
    local c = client.connect(n.address)
    c:send "hello"
    c:finish()
    assert.is_true(c:closed(2))
    eventually(function() return web:open_connections() <= 1 end)
  end)

  it("goes on while the other side sends", function()
    local n = tcp.start(listener(5, 0.2), "timeouts = { half_closed = 0.5 }")
    local c = client.connect(n.address)
    c:finish()
    assert.equal("xxxxx", c:receive(5))
  end)

  it("is the backend's, too", function()
    local n = tcp.start(function(conn)
      conn:finish()
      conn:closed(9)
    end, "timeouts = { half_closed = 0.3 }" .. [[, policy = { log = function(_, o)
      require "neap".log.info("ended %d: %s", o.status, o.reason)
    end }]])
    local c = client.connect(n.address)
    assert.equal("", c:receive_all())
    n:wait_log "ended 200: half%-closed tunnel was silent"
  end)

  it("of a WebSocket as well", function()
    local n = proxied.start({
      connection = function(conn)
        conn:read_request()
        conn:send "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
        conn:read_all()
        conn:wait(9)
      end,
    }, "timeouts = { half_closed = 0.3 }")
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    c:receive_until "\r\n\r\n"
    c:finish()
    assert.is_true(c:closed(2))
  end)
end)

describe("a silent peer", function()
  it("of a tcp service is probed, on both sides", function()
    local n, web = tcp.start(tcp.echo)
    local c = client.connect(n.address)
    c:send "x"
    assert.equal("x", c:receive(1))
    eventually(function() return probed(n.port) == 1 and probed(web.port) == 1 end)
  end)

  it("of a tunnel is probed, on both sides", function()
    local n, web = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:send "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
        conn:wait(9)
      end,
    }
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    c:receive_until "\r\n\r\n"
    eventually(function() return probed(n.port) == 1 and probed(web.port) == 1 end)
  end)

  it("is not probed with keepalive_probe = false", function()
    local n, web = tcp.start(tcp.echo, "timeouts = { keepalive_probe = false }")
    local c = client.connect(n.address)
    c:send "x"
    assert.equal("x", c:receive(1))
    eventually.always(function() return probed(n.port) == 0 and probed(web.port) == 0 end)
  end)
end)
