-- Values that several balancers have in common, by a real Redis: a pin that one sets is seen by the
-- others.

local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"
local redis = require "support.redis"
local redis_double = require "support.redis_double"

local CONFIG = [[
local neap = require "neap"
local pins = neap.shared "pins"
local calls = {
  get = function(key) return pins:get(key) end,
  set = function(key, value, ttl)
    return pins:set(key, tonumber(value) or value == "true" or value, tonumber(ttl))
  end,
  large = function(key) return pins:set(key, ("x"):rep(1024)) end,
  delete = function(key) return pins:delete(key) end,
  keys = function() return #pins:keys() end,
  ttl = function(key) return pins:ttl(key) end,
}
return {
  listen = "127.0.0.1:0", workers = 2, backends = { "http://127.0.0.1:1" },
  health = { type = "none" }, admin = { listen = "127.0.0.1:0" },
  shared = { pins = { store = "redis", redis = { address = "%s", timeout = 0.5 } } },
  policy = { request = function(request)
    local call, key, value, ttl = request.path:match "^/(%%a+)/?([^/]*)/?([^/]*)/?(.*)$"
    local a, b = calls[call](key, value, ttl)
    return neap.reply { body = tostring(a) .. (b and " " .. b or "") }
  end },
}]]

local function start(address)
  return neap.start { config = CONFIG:format(address), allow = { "shared store pins: redis" } }
end

local function sees(n, path, value)
  eventually(function() return n:get(path).body == value end)
end

describe("a store that balancers have in common", function()
  it("shows the others what one sets and deletes", function()
    local server = redis.start()
    local a, b = start(server.address), start(server.address)
    assert.equal("true", a:get("/set/user/10.0.0.7:80").body)
    assert.equal("10.0.0.7:80", a:get("/get/user").body)
    sees(b, "/get/user", "10.0.0.7:80")
    b:get "/set/user/other/100"
    sees(a, "/get/user", "other")
    local ttl = tonumber(a:get("/ttl/user").body)
    assert.is_true(ttl > 50 and ttl <= 100, ttl)
    a:get "/set/number/1.5"
    sees(b, "/get/number", "1.5")
    a:get "/set/flag/true"
    sees(b, "/get/flag", "true")
    a:get "/delete/user"
    sees(b, "/get/user", "nil")
    sees(b, "/keys", "2")
    sees(a, "/keys", "2")
  end)

  it("shows them to one that starts later, but not what has expired", function()
    local server = redis.start()
    local a = start(server.address)
    for i = 1, 600 do a:get(("/set/k%d/v%d"):format(i, i)) end
    a:get "/set/short/x/0.2"
    eventually(function() return a:get("/get/short").body == "nil" end)
    eventually(function() return tonumber(server:call("XLEN", "neap:pins:values")) == 601 end)
    local b = start(server.address)
    sees(b, "/get/k1", "v1")
    sees(b, "/get/k600", "v600")
    assert.equal("nil", b:get("/get/short").body)
    assert.is_true(tonumber(server:call("TTL", "neap:pins:values")) > 0)
  end)

  it("ends with the same on all, whoever set it", function()
    local server = redis.start()
    local a, b = start(server.address), start(server.address)
    for i = 1, 50 do
      a:get("/set/k/a" .. i)
      b:get("/set/k/b" .. i)
    end
    eventually(function() return tonumber(server:call("XLEN", "neap:pins:values")) == 100 end)
    eventually(function()
      local one = a:get("/get/k").body
      return one:find "50$" and one == b:get("/get/k").body
    end)
  end)

  it("goes on by itself while Redis is away, and tells it then", function()
    local server = redis.start()
    local a, b = start(server.address), start(server.address)
    server:kill()
    a:get "/set/k/v"
    assert.equal("v", a:get("/get/k").body)
    a:wait_log "shared store pins: redis"
    redis.start({}, server.address)
    sees(b, "/get/k", "v")
  end)

  it("refuses what is too large to be told", function()
    local n = start(redis.start().address)
    assert.matches("^nil too large to be shared", n:get("/large/k").body)
  end)

  it("believes no nonsense, of a Redis or in its stream", function()
    local n = start(redis_double.start("*1\r\n:1\r\n").address)
    n:wait_log "makes no sense"
    assert.is_string(admin.status(n).shared[1].redis.error)
    local server = redis.start()
    server:call("XADD", "neap:pins:values", "*", "v", "what?")
    n = start(server.address)
    n:wait_log "entry [%d-]+ of neap:pins:values is no change of a value"
    n:get "/set/k/v"
    eventually(function() return tonumber(server:call("XLEN", "neap:pins:values")) == 2 end)
    assert.equal("v", n:get("/get/k").body)
  end)
end)
