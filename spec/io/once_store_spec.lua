-- neap.once over all workers of a machine, through a store.
local client = require "support.client"
local eventually = require "support.eventually"
local hook_code = require "support.hook_code"
local origin = require "support.origin"
local process = require "support.process"
local testing = require "neap.testing"

local TWO = { config = ", workers = 2, shared = { answers = { bytes = 2^20 } }",
  allow = { "neap.once", "worker", "killed" } }

local ASK = [[
  local value, why = neap.once(request.path, 60, function()
    local a, why = neap.http.get(url)
    return a and a.body, why
  end, { store = "answers" })
  return tostring(value or why)]]

-- So many that both workers have some.
local function send_many(n, count)
  local clients = {}
  for i = 1, count do
    clients[i] = client.connect(n.address)
    clients[i]:send "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
  end
  return clients
end

local function answering(value)
  return hook_code.start(([[
    calls = calls + 1
    local value, why = neap.once(request.path, 60, function() %s end, { store = "answers" })
    return type(value) .. " " .. tostring(value) .. " " .. tostring(why)]]):format(value),
    { calls = 0 }, TWO)
end

describe("neap.once with a store", function()
  it("asks once for a hundred requests of two workers", function()
    local api = origin.start { handler = function(conn)
      conn:wait(0.5)
      return "one"
    end }
    local n = hook_code.start(ASK, { url = api.url }, TWO)
    for _, c in ipairs(send_many(n, 100)) do assert.equal("one", c:read_response().body) end
    for _ = 1, 20 do assert.equal("one", n:get("/a").body) end
    assert.equal(1, #api:requests())
  end)

  it("lets another worker ask when the one that asked was killed", function()
    local api = origin.start { handler = function(conn)
      if conn.id == 1 then conn:wait(30) end
      return "second"
    end, allow_errors = true }
    local n = hook_code.start([[
      local value, why = neap.once("k", 60, function()
        local pid = io.open("/proc/self/stat"):read "*n"
        local a, why = neap.http.get(url .. pid)
        return a and a.body, why
      end, { store = "answers" })
      return tostring(value or why)]], { url = api.url .. "/" },
      { config = TWO.config .. ", unsafe = true", allow = TWO.allow })
    local clients = send_many(n, 40)
    eventually(function() return #api:requests() == 1 end)
    process.signal(tonumber(api:requests()[1].target:sub(2)), "KILL")
    local answered = 0
    for _, c in ipairs(clients) do
      local ok, response = pcall(c.read_response, c)
      if ok and response and response.body == "second" then answered = answered + 1 end
    end
    assert.is_true(answered > 0)
    assert.equal(2, #api:requests())
  end)

  it("gives texts, numbers, booleans and nothing as they were", function()
    for value, expected in pairs {
      ['return "a\\0b"'] = "string a\0b nil", ["return 0.1 + 0.2"] = "number 0.3 nil",
      ["return false"] = "boolean false nil", ["return true"] = "boolean true nil",
      ["return nil"] = "nil nil nil", ['return nil, "away"'] = "nil nil away",
    } do
      local n = answering(value)
      for _ = 1, 10 do assert.equal(expected, n:get("/").body) end
    end
  end)

  it("says that a table cannot be stored, and what an error in the function was", function()
    assert.equal("nil nil a table cannot be stored (expected a string, number or boolean)",
      answering("return {}"):get("/").body)
    assert.matches("^nil nil .*policy.lua:%d+: of mine", answering("error 'of mine'"):get("/").body)
  end)

  it("asks for each worker while the store cannot take the answer", function()
    local n = answering 'return ("x"):rep(2^20)'
    assert.equal("string", n:get("/").body:match "^%S+")
    n:wait_log "neap.once 'answers//': the store does not take it: too large for the store"
  end)

  it("is the same in the test kit", function()
    local calls = 0
    local policy = { request = function(request)
      local neap = require "neap"
      local value, why = neap.once(request.path, 10, function()
        calls = calls + 1
        neap.sleep(1)
        return calls
      end, { store = "answers" })
      return neap.reply { body = tostring(value or why) }
    end }
    local pool = testing.pool(1, { policy = policy, shared = { answers = { bytes = 2 ^ 20 } } })
    assert.equal("1", pool:send({ path = "/a" }).body)
    assert.equal("1", pool:send({ path = "/a" }).body)
    pool:advance(11)
    assert.equal("2", pool:send({ path = "/a" }).body)
  end)
end)
