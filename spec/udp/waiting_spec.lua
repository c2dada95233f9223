local eventually = require "support.eventually"
local scope = require "support.scope"
local udp = require "support.udp"

local SLEEPY = [[policy = { request = function() require "neap".sleep(3600) end },]]
local ERROR = "did not answer in time"

describe("a flow", function()
  it("gives a hook that waits no longer than timeouts.udp, and its default decides", function()
    local n = udp.start({ udp.named "a" }, SLEEPY .. "timeouts = { udp = 0.5 },", { ERROR })
    assert.equal("a: x", udp.client(n.address):ask "x")
    n:wait_log(ERROR)
  end)

  it("that waits in the queue ends after timeouts.udp, too", function()
    local server = udp.named "a"
    local n = udp.start({ server }, ([[timeouts = { udp = 0.5 }, queue = { timeout = 60 },
      backends = { { url = "udp://%s", slots = 1 } },
      access_log = { target = "access.log", format = "json" },]]):format(server.address))
    local first, second = udp.client(n.address), udp.client(n.address)
    first:ask "x"
    second:send "y"
    eventually(function()
      first:ask "x"
      return scope.read(n.dir .. "/access.log"):find('"status":504', 1, true)
    end)
  end)
end)

describe("of flows that wait for their first answer", function()
  it("the eldest of many large datagrams is not sent to another backend", function()
    local silent, other = udp.server(function() end), udp.named "b"
    local n = udp.start({ silent, other },
      "policy = { pick = function(_, pool) return pool:first() end },")
    local clients, big = {}, ("x"):rep(2000)
    for i = 1, 300 do
      clients[i] = udp.client(n.address)
      clients[i]:send(big .. i)
      if i % 20 == 0 then eventually(function() return #silent:received() == i end) end
    end
    silent:stop()
    clients[300]:send "more"
    assert.equal("b: " .. big .. 300, clients[300]:receive())
    assert.equal("b: more", clients[300]:receive())
    clients[1]:send "more"
    assert.is_true(clients[1]:is_silent())
    assert.equal("b: anew", clients[1]:ask "anew")
  end)
end)
