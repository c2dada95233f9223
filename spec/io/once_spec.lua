local client = require "support.client"
local eventually = require "support.eventually"
local hook_code = require "support.hook_code"
local origin = require "support.origin"
local testing = require "neap.testing"

local ONE = { config = ", workers = 1", allow = { "neap.once" } }

local function slow_api()
  return origin.start { handler = function(conn)
    conn:wait(0.3)
    return tostring(conn.served)
  end }
end

local ASK = [[
  local key = request.path
  local value, why = neap.once(key, 60, function()
    local a, why = neap.http.get(url)
    return a and a.body, why
  end)
  return value or why]]

local function send_many(n, count)
  local clients = {}
  for i = 1, count do
    clients[i] = client.connect(n.address)
    clients[i]:send "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
  end
  return clients
end

describe("neap.once", function()
  it("asks once for a hundred, and then not at all", function()
    local api = slow_api()
    local n = hook_code.start(ASK, { url = api.url }, ONE)
    for _, c in ipairs(send_many(n, 100)) do assert.equal("1", c:read_response().body) end
    assert.equal("1", n:get("/a").body)
    assert.equal(1, #api:requests())
    assert.equal("2", n:get("/b").body)
  end)

  it("is not ended by a client that leaves, not even the first", function()
    local api = slow_api()
    local n = hook_code.start(ASK, { url = api.url }, ONE)
    local clients = send_many(n, 10)
    eventually(function() return #api:requests() == 1 end)
    for i = 1, 9 do clients[i]:reset() end
    assert.equal("1", clients[10]:read_response().body)
    assert.equal("1", n:get("/a").body)
    assert.equal(1, #api:requests())
  end)

  it("gives all the reason of a failure, and remembers it if asked to", function()
    local n = hook_code.start([[
      count = count + 1
      local _, why = neap.once("k" .. request.path, 60, function()
        calls = calls + 1
        neap.sleep(0.1)
        return nil, "away " .. calls
      end, { negative_ttl = request.path == "/kept" and 60 or 0 })
      return why]], { count = 0, calls = 0 }, ONE)
    for _, c in ipairs(send_many(n, 5)) do assert.equal("away 1", c:read_response().body) end
    assert.equal("away 2", n:get("/a").body)
    assert.equal("away 3", n:get("/kept").body)
    assert.equal("away 3", n:get("/kept").body)
  end)

  it("tells of an error in the function, which ends nothing else", function()
    local n = hook_code.start([[
      local _, why = neap.once("k", 60, function() return request.path end)
      local _, other = neap.once("l", 60, function() error "of mine" end)
      return why .. "\n" .. other]], {}, ONE)
    local body = n:get("/a").body
    assert.matches("request was used outside of its hook", body)
    assert.matches("policy.lua:%d+: of mine", body)
    n:wait_log "neap.once 'k': .*outside of its hook"
  end)

  it("ends a function that does not come back, and one that waits too long", function()
    local n = hook_code.start([[
      local _, one = neap.once("k", 60, function() while true do end end)
      local _, two = neap.once("l", 60, function() neap.sleep(60) end, { timeout = 0.2 })
      return one .. "\n" .. two]], {}, ONE)
    local body = n:get("/a").body
    assert.matches("ran for more than", body)
    assert.matches("did not answer in time", body)
  end)

  it("forgets after its time, and the eldest when there are too many", function()
    local n = hook_code.start([[
      local function get(key, ttl)
        return neap.once(key, ttl, function() count = count + 1 return count end)
      end
      local told = { get("a", 0), get("a", 0), get("b", 0.1), get("b", 0.1) }
      neap.sleep(0.2)
      told[5], told[6], told[7] = get("b", 60), get("b", 60), get("eldest", 60)
      for i = 1, 10000 do get("k" .. i, 60) end
      told[8] = get("eldest", 60) - 10000
      return table.concat(told, " ")]], { count = 0 }, ONE)
    assert.equal("1 2 3 3 4 4 5 6", n:get("/").body)
  end)

  it("says what is wrong with what it is called with", function()
    local body = hook_code.run([[
      local told, function_ = {}, function() end
      for i, arguments in ipairs { { 1, 1, function_ }, { "k", -1, function_ }, { "k", 1, 5 },
        { ("k"):rep(2000), 1, function_ }, { "k", 1, function_, { size = 1 } },
        { "k", 1, function_, { negative_ttl = "x" } } } do
        told[i] = select(2, pcall(neap.once, unpack(arguments)))
      end
      return table.concat(told, "\n")]])
    local _, lines = body:gsub("neap.once", "")
    assert.equal(6, lines, body)
  end)

  it("is the same in the test kit", function()
    local calls = 0
    local policy = { request = function(request)
      local neap, path = require "neap", request.path
      local value, why = neap.once(path, 10, function()
        calls = calls + 1
        if path == "/error" then error "of mine" end
        neap.sleep(1)
        return calls
      end)
      return neap.reply { body = tostring(value or why:match "of mine") }
    end }
    local pool = testing.pool(1, { policy = policy })
    assert.equal("1", pool:send({ path = "/a" }).body)
    assert.equal("1", pool:send({ path = "/a" }).body)
    pool:advance(11)
    assert.equal("2", pool:send({ path = "/a" }).body)
    assert.equal("of mine", pool:send({ path = "/error" }).body)
  end)
end)
