local example = require "support.example"
local origin = require "support.origin"
local process = require "support.process"
local redis_server = require "support.redis"

describe("example redis-pin", function()
  local web, n, redis

  before_each(function()
    redis = redis_server.start()
    web = origin.several(3)
    n = example.start("redis-pin",
      { [6379] = redis, [8081] = web[1], [8082] = web[2], [8083] = web[3] })
    example.checked(n, web)
  end)

  local function get(user) return n:get("/", user and { Cookie = "user=" .. user }).body end

  local function cli(...)
    local _, out = process.run { argv = { "redis-cli", "-p", tostring(redis.port), ... } }
    return (out:gsub("%s+$", ""))
  end

  it("keeps a user on one backend, and others on theirs", function()
    local anna, ben = get "anna", get "ben"
    assert.not_equal(anna, ben)
    for _ = 1, 4 do
      assert.equal(anna, get "anna")
      assert.equal(ben, get "ben")
    end
  end)

  it("obeys what Redis says", function()
    cli("set", "pin:anna", "127.0.0.1:" .. web[3].port)
    for _ = 1, 3 do assert.equal("web3", get "anna") end
  end)

  it("pins anew when the backend is down", function()
    local before = get "anna"
    web[tonumber(before:match "%d")]:kill()
    local after = get "anna"
    assert.not_equal(before, after)
    assert.equal(after, get "anna")
  end)

  it("serves without Redis, and says so", function()
    redis:kill()
    for _ = 1, 3 do assert.matches("^web", get "anna") end
    n:wait_log "redis: connection refused"
  end)
end)
