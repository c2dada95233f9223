-- Redis is away, or is no Redis: each balancer goes on with its part of the limits.

local common_limit = require "support.common_limit"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local redis = require "support.redis"
local redis_double = require "support.redis_double"

local RATE, BURST = 40, 40
local LIMIT = ("rate = %d, burst = %d"):format(RATE, BURST)
local QUICK = "timeout = 0.3, "

local function failing(address, more)
  return common_limit.start(address, LIMIT, QUICK .. (more or ""),
    { allow = { "shared store common: redis" } })
end

local function is_within(n, least, most)
  assert.is_true(n >= least and n <= most, ("%d, and not %d to %d"):format(n, least, most))
end

-- What it says of a server that answers so.
local function told(says)
  local n = failing(redis_double.start(says).address)
  local line = eventually(function() return n:log():match "shared store common: redis ([^\n]+)" end)
  assert.equal(200, n:get("/k").status)
  assert.equal(1, n:count_log "shared store common: redis")
  eventually(function()
    local why = common_limit.status(n).error
    return type(why) == "string" and line:find(why, 1, true)
  end)
  return line
end

describe("limits in common while Redis", function()
  it("is away leave each balancer its part, and all when it is back", function()
    local server = redis.start()
    local three = {}
    for i = 1, 3 do three[i] = failing(server.address) end
    for _, n in ipairs(three) do
      eventually(function() return common_limit.status(n).balancers == 3 end, 10)
    end
    server:kill()
    for _, n in ipairs(three) do
      assert.matches("each balancer goes on with its part %(1/3%)",
        eventually(function() return n:log():match "shared store common: redis[^\n]+" end))
      eventually(function() return type(common_limit.status(n).error) == "string" end)
    end
    local n, took = common_limit.passed({ three[1] }, "alone", 2)
    is_within(n, 0.9 * (RATE * took + BURST) / 3, (RATE * took + BURST) / 3 + 1)
    n, took = common_limit.passed(three, "all", 2)
    is_within(n, 0.8 * (RATE * took + BURST), RATE * took + BURST + 3)

    redis.start({}, server.address)
    for _, one in ipairs(three) do
      one:wait_log "shared store common: redis .- answers again"
      eventually(function() return common_limit.status(one).balancers == 3 end, 10)
    end
    n, took = common_limit.passed({ three[1] }, "again", 3)
    is_within(n, 0.85 * (RATE * took + BURST), RATE * took + BURST + 1)
  end)

  it("was never there leave what the config assumes", function()
    local n = failing((net.refused()), "balancers = 4")
    n:wait_log "each balancer goes on with its part %(1/4%)"
    local passed, took = common_limit.passed({ n }, "k", 1)
    is_within(passed, 0.8 * (RATE * took + BURST) / 4, (RATE * took + BURST) / 4 + 2)
  end)

  it("talks nonsense leave it too, with a clear line", function()
    assert.matches("broke the protocol of Redis: a reply of no known kind",
      told "HTTP/1.1 400 Bad Request\r\n\r\n")
    assert.matches("its answer makes no sense", told "+OK\r\n")
    assert.matches("its answer makes no sense", told "*1\r\n:-5\r\n")
    assert.matches("its answer makes no sense", told "*1\r\n:999999999\r\n")
    assert.matches("its answer makes no sense", told "*3\r\n:1\r\n:2\r\n:3\r\n")
    assert.matches("it says ERR unknown command", told "-ERR unknown command 'EVAL'\r\n")
  end)

  it("closes, is silent or never ends leave it too", function()
    assert.matches("closed", told "*1\r\n@:")
    assert.matches("timeout", told "*1\r\n")
    assert.matches("too large", told(("$2000000\r\n%s\r\n"):format(("x"):rep(2000000))))
  end)

  it("lies about a key leave it too", function()
    local server = redis_double.start "*3\r\n:3\r\n:100000000000000\r\n:1\r\n"
    local n = failing(server.address)
    assert.equal(200, n:get("/k").status)
    n:wait_log "its answer makes no sense"
  end)

  it("wants a password say so, and take it from a file", function()
    local server = redis.start { "--requirepass", "secret" }
    local n = failing(server.address)
    n:wait_log "redis .-: NOAUTH"
    local other = common_limit.start(server.address, LIMIT, 'password_file = "password"',
      { files = { password = "secret\n" } })
    eventually(function() return common_limit.status(other).answered end)
  end)

  it("has keys of others under that name say so", function()
    local server = redis.start()
    server:call("SET", "neap:common:balancers", "x")
    local n = failing(server.address)
    n:wait_log "redis .-: it says WRONGTYPE"
  end)

  it("is no address are errors of the config", function()
    local function check(text)
      local config = 'return { backends = { "http://127.0.0.1:1" }, shared = { a = %s } }'
      local _, out = neap.check(config:format(text))
      return out
    end
    assert.matches("shared.a.redis: this goes only with store = 'redis'",
      check '{ redis = { address = "127.0.0.1:1" } }')
    assert.matches("shared.a.redis.address: 'here' is not an address",
      check '{ store = "redis", redis = { address = "here" } }')
    assert.matches("shared.a.redis.adress: unknown key; did you mean 'address'?",
      check '{ store = "redis", redis = { adress = "127.0.0.1:1" } }')
    assert.matches("ok", check '{ store = "redis", redis = { address = "127.0.0.1:1" } }')
  end)
end)
