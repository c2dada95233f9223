local eventually = require "support.eventually"
local neap = require "support.neap"
local udp = require "support.udp"

local function dead_port()
  local c = udp.client "127.0.0.1:1"
  c:close()
  return c.port
end

describe("a backend of a udp service", function()
  it("that is not there is down by ICMP, and another one gets the datagram", function()
    local server = udp.named "a"
    local n = udp.start { dead_port(), server }
    assert.equal("a: x", udp.client(n.address):ask "x")
    n:wait_log "connection refused: udp://%S+ is dead%."
    assert.equal(1, #server:received())
  end)

  it("gets all that the client has sent before the other one refused", function()
    local n = udp.start({ dead_port(), udp.named "a" }, [[
      policy = { pick = function(request, pool)
        if request.attempt == 1 then require "neap".sleep(0.2) end
        return pool[1]
      end },]])
    local c = udp.client(n.address)
    c:send "1"
    c:send "2"
    assert.equal("a: 1", c:receive())
    assert.equal("a: 2", c:receive())
  end)

  it("that went away lets the client's next datagram go to another one", function()
    local servers = { udp.named "a", udp.named "b" }
    local n = udp.start(servers)
    local c = udp.client(n.address)
    assert.equal("a: x", c:ask "x")
    servers[1]:stop()
    eventually(function()
      c:send "y"
      return c:receive(0.2) == "b: y"
    end)
  end)

  it("is counted with its flows, up to its slots", function()
    local server = udp.named "a"
    local n = udp.start({ server }, ([[responses = 1, timeouts = { udp = 0.3 },
      backends = { { url = "udp://%s", slots = 1 } }, queue = false,]]):format(server.address))
    assert.equal("a: x", udp.client(n.address):ask "x")
    assert.equal("a: x", udp.client(n.address):ask "x")
  end)

  it("may be chosen by what is known of the client", function()
    local n = udp.start({ udp.named "a", udp.named "b" }, [[
      policy = { pick = function(request, pool)
        assert(request.scheme == "udp" and request.client_ip == "127.0.0.1")
        return pool[request.client_port % 2 + 1]
      end },]])
    for _ = 1, 4 do
      local c = udp.client(n.address)
      assert.equal(c.port % 2 == 0 and "a: x" or "b: x", c:ask "x")
    end
  end)

  it("is not asked where the policy refuses", function()
    local server = udp.named "a"
    local n = udp.start({ server }, [[policy = {
      request = function() return require("neap").reply { status = 403 } end },
      access_log = { target = "access.log", format = "json" },]])
    local c = udp.client(n.address)
    c:send "x"
    assert.is_true(c:is_silent())
    eventually(function() return io.open(n.dir .. "/access.log"):read "*a":find '"status":403' end)
    assert.equal(0, #server:received())
  end)

  -- Where a listener takes both families, our IPv4 ports look like IPv4 in IPv6.
  for _, host in ipairs { "127.0.0.1", "[::]" } do
    it("that leads back by way of another service gets it once, no more, at " .. host, function()
      local one, two = dead_port(), dead_port()
      local service = [[{ mode = "udp", listen = "%s:%d",
        backends = { "udp://127.0.0.1:%d" }, health = { type = "none" } },]]
      local n = neap.start {
        config = ("return { workers = 1, services = { " .. service .. service .. " } }")
          :format(host, one, two, host, two, one),
        allow = { "a datagram of neap's own came back" },
      }
      local c = udp.client("127.0.0.1:" .. one)
      c:send "x"
      n:wait_log "a datagram of neap's own came back to it and was dropped"
      assert.is_true(c:is_silent())
      assert.equal(1, n:count_log "came back to it")
    end)
  end
end)
