local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"

local POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"

-- The hook of that name runs the line, which is line 3 of the config's policy.
local function start(hook, line)
  local web = origin.start {}
  local policy = ("return {\n%s = function(request, second, third)\n%s\nend }"):format(hook, line)
  return neap.start {
    config = proxied.config({ web }, 'policy = "policy.lua",'),
    files = { ["policy.lua"] = 'local neap = require "neap" ' .. policy },
    allow = { "policy.lua:3" },
  }
end

local function complains(hook, line, words)
  local n = start(hook, line)
  assert.equal(200, client.request(n.address, POST).status)
  n:wait_log("policy.lua:3: " .. words)
end

describe("request:body", function()
  for call, words in pairs {
    ["request:body(2^40)"] = "request:body%(max%): .* is more than limits.hook_body_bytes",
    ["request:body(-1)"] = "request:body%(max%): max must be a number of bytes",
    ["request:body(0/0)"] = "request:body%(max%): max must be a number of bytes",
    ["request:body(1.5)"] = "request:body%(max%): max must be a number of bytes",
    ["request:body('5')"] = "request:body%(max%): max must be a number of bytes",
    ["request.body(5)"] = "request.body%(…%): methods are called with a colon",
    ["request:set_body()"] = "request:set_body%(bytes%): bytes must be a string",
    ["coroutine.wrap(function() request:body() end)()"] = "request:body: a coroutine of your own",
  } do
    it("is told with its line what is wrong in " .. call, function()
      complains("request", call, words)
    end)
  end

  it("is not for hooks that may not wait", function()
    complains("log", "request:body()", "request:body: this hook may not wait")
    complains("response", "request:set_body 'x'", "request:set_body: this hook may not wait")
  end)

  for call, words in pairs {
    ["response:body(2^40)"] = "response:body%(max%): .* is more than limits.hook_body_bytes",
    ["response.body(5)"] = "response.body%(…%): methods are called with a colon",
    ["response:set_body(5)"] = "response:set_body%(bytes%): bytes must be a string",
    ["neap.sleep(1)"] = "neap.sleep: this hook may not wait",
    ["coroutine.wrap(function() response:body() end)()"] = "response:body: a coroutine of your own",
  } do
    it("is told the same of an answer: " .. call, function()
      complains("response", "local _, response = second, third " .. call, words)
    end)
  end

  it("says in `failed` that a body which was not kept is gone", function()
    local slow = origin.start { connection = function(conn)
      conn:read_request()
      conn:read(200000)
      conn:reset()
    end }
    local n = proxied.before({ slow }, [[retry = { body_bytes = 1000 }, policy = {
      failed = function(request)
        local body, why = request:body()
        local is_set, because = request:set_body "x"
        require("neap").log.info("%s %s %s %s", body, why, is_set, because)
        return "fail"
      end,
    },]])
    local c = client.connect(n.address)
    c:send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" .. ("x"):rep(200000))
    assert.equal(502, c:read_response().status)
    n:wait_log "nil it was sent already nil it was sent already"
  end)

  it("does not exist in a tcp service", function()
    local echo = origin.start { connection = function(conn) conn:send(conn:read(2)) end }
    local n = neap.start {
      config = ([[return { listen = "127.0.0.1:0", mode = "tcp", health = { type = "none" },
        backends = { "tcp://127.0.0.1:%d" },
        policy = { request = function(request) request:body() end } }]]):format(echo.port),
      allow = { "a connection of a tcp service has no body" },
    }
    assert.equal("hi", client.exchange(n.address, "hi"))
    n:wait_log "request:body: a connection of a tcp service has no body"
  end)

  it("is \"\" where neap -t tries the hooks", function()
    local _, out = neap.check [[return { backends = { "http://127.0.0.1:1" }, policy = {
      request = function(request)
        assert(request:body() == "" and request:set_body "x")
      end } }]]
    assert.matches(": ok", out)
  end)
end)
