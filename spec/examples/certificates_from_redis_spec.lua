local example = require "support.example"
local origin = require "support.origin"
local pki = require "support.pki"
local process = require "support.process"
local redis_server = require "support.redis"
local s_client = require "support.s_client"

describe("example certificates-from-redis", function()
  local redis, n, shop
  before_each(function()
    redis = redis_server.start()
    n = example.start("certificates-from-redis", { [6379] = redis, [8081] = origin.start {} })
    shop = pki.self_signed { cn = "the shop", names = { "shop.example" } }
    process.run {
      argv = { "redis-cli", "-p", tostring(redis.port), "-x", "set", "certificate:shop.example" },
      stdin = shop.pem .. shop.key,
    }
  end)

  local function shown(name)
    local r = s_client.run { port = n.port, name = name }
    assert.equal(200, r.status, r.log)
    return r.subject:match "CN = (.*)"
  end

  it("shows the certificate that Redis has for the name, else that of the config", function()
    assert.equal("the shop", shown "shop.example")
    assert.not_equal("the shop", shown "other.example")
  end)

  it("shows that of the config for a name whose certificate is junk, and asks no more", function()
    process.run {
      argv = { "redis-cli", "-p", tostring(redis.port), "-x", "set", "certificate:junk.example" },
      stdin = "junk",
    }
    for _ = 1, 8 do assert.not_equal("the shop", shown "junk.example") end
    assert.equal("the shop", shown "shop.example")
    assert.equal(1, n:count_log "redis: certificate:junk.example: ")
  end)

  it("keeps what it knows when Redis is down", function()
    assert.equal("the shop", shown "shop.example")
    redis:kill()
    assert.equal("the shop", shown "shop.example")
    assert.not_equal("the shop", shown "other.example")
    n:wait_log "redis: connection refused"
  end)
end)
