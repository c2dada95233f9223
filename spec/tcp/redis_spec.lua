local client = require "support.client"
local process = require "support.process"
local redis = require "support.redis"
local tcp = require "support.tcp"

describe("Redis through a tcp service", function()
  local n

  before_each(function()
    n = tcp.before { redis.start().port }
  end)

  local function cli(...)
    local argv = { "redis-cli", "-p", tostring(n.port), ... }
    local code, out = process.run { argv = argv }
    assert.equal(0, code)
    return (out:gsub("%s+$", ""))
  end

  it("sets and gets, also a megabyte", function()
    assert.equal("OK", cli("set", "name", "neap"))
    assert.equal("neap", cli("get", "name"))
    local c, value = client.connect(n.address), ("0123456789abcdef"):rep(65536)
    c:send(("SET big \"%s\"\r\nGET big\r\n"):format("x"))
    assert.equal("+OK\r\n$1\r\nx\r\n", c:receive(12))
    c:send(("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n%s\r\nGET big\r\n"):format(#value, value))
    assert.equal("+OK\r\n", c:receive(5))
    assert.equal(("$%d\r\n"):format(#value), c:receive_until "\n")
    assert.is_true(c:receive(#value) == value)
  end)

  it("answers what is pipelined in order", function()
    local c, commands, expected = client.connect(n.address), {}, {}
    for i = 1, 5000 do
      commands[i] = "INCR turn\r\n"
      expected[i] = (":%d\r\n"):format(i)
    end
    c:send(table.concat(commands))
    local text = table.concat(expected)
    assert.equal(text, c:receive(#text))
  end)

  it("publishes to those who subscribed", function()
    local listeners = {}
    for i = 1, 3 do
      listeners[i] = client.connect(n.address)
      listeners[i]:send "SUBSCRIBE news\r\n"
      assert.matches("subscribe", listeners[i]:receive_until ":1\r\n")
    end
    for round = 1, 3 do
      assert.equal("3", cli("publish", "news", "round" .. round))
      for _, c in ipairs(listeners) do
        assert.matches("message.*news.*round" .. round, c:receive_until("round" .. round .. "\r\n"))
      end
    end
  end)

  it("says goodbye to QUIT", function()
    local c = client.connect(n.address)
    c:send "QUIT\r\n"
    assert.equal("+OK\r\n", c:receive_all())
  end)
end)
