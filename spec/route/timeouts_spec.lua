-- request:timeouts and request:retry: for one request, in place of what the pool says.
local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"

local function start(policy, backends, more)
  return neap.start {
    allow = { "policy.lua:3" },
    config = neap.config(backends, 'policy = "policy.lua", health = { type = "none" }, '
      .. (more or "")),
    files = { ["policy.lua"] = policy },
  }
end

local function slow_origin()
  return origin.start { handler = function(conn) conn:wait(3) end }
end

describe("request:timeouts", function()
  it("response: the backend's first byte", function()
    local n = start([[return { pick = function(request, pool)
      request:timeouts { response = 0.1 }
      return pool[1]
    end }]], { slow_origin() })
    local response = n:get()
    assert.same({ 504, "the backend did not answer in time" },
      { response.status, response.headers["x-neap-error"] })
  end)

  it("request: all of it from its beginning, a hook that waits included", function()
    local n = start([[return { request = function(request)
      request:timeouts { request = 0.2 }
      if request.path == "/wait" then require("neap").sleep(4) end
    end }]], { slow_origin() })
    for _, path in ipairs { "/", "/wait" } do
      local response = n:get(path)
      assert.same({ 504, "the request's deadline is over" },
        { response.status, response.headers["x-neap-error"] })
    end
  end)

  it("request: more than the service allows, or no end", function()
    local late = origin.start { handler = function(conn)
      conn:wait(0.3)
      return "late"
    end }
    local n = start([[return { request = function(request)
      if request.path == "/more" then request:timeouts { request = 20 } end
      if request.path == "/none" then request:timeouts { request = false } end
    end }]], { late }, "timeouts = { request = 0.1 },")
    assert.equal(504, n:get("/").status)
    assert.equal(200, n:get("/more").status)
    assert.equal(200, n:get("/none").status)
  end)

  it("refuses a wrong value with the key and the line, and the request goes on", function()
    local n = start([[return { request = function(request)
      if request.path == "/key" then
        request:timeouts { respons = 1 }
      end
    end }]], { origin.start {} })
    assert.equal(200, n:get("/key").status)
    n:wait_log "policy.lua:3: request:timeouts: unknown key .*respons.*; did you mean 'response'%?"
  end)
end)

describe("request:limits, request:timeouts and request:retry", function()
  for call, words in pairs {
    ['request:limits { body_bytes = "x" }'] = 'limits: body_bytes: .* is not a whole number',
    ["request:limits { body_bytes = 0 }"] = "limits: body_bytes: 0 is out of range",
    ["request:limits { headers = 9 }"] = 'limits: unknown key .*headers.* %(expected body_bytes%)',
    ["request:timeouts { response = 0 }"] = "timeouts: response: 0 is out of range",
    ["request:timeouts { request = 1/0 }"] = "timeouts: request: .* is not a number of seconds",
    ["request:timeouts(5)"] = "timeouts: 5 is not a table",
    ["request:retry { attempts = 1.5 }"] = "retry: attempts: 1.5 is not a whole number",
    ["request:retry { status = { 99 } }"] = "retry: status%[1%]: 99 ",
  } do
    it("tells of the line: " .. call, function()
      local n = start(("return { request = function(request)\n\n%s\nend }"):format(call),
        { origin.start {} })
      assert.equal(200, n:get().status)
      n:wait_log("policy.lua:3: request:" .. words)
    end)
  end
end)

describe("request:retry", function()
  local function failing()
    return origin.start { handler = function() return { status = 503, body = "no" } end }
  end

  it("statuses that count as failures, for what is not safe too, and how often", function()
    local backends = { failing(), failing(), failing() }
    local n = start([[return { request = function(request)
      local attempts = tonumber(request.path:match "%d")
      request:retry { attempts = attempts, status = { 503 }, unsafe = true }
    end, pick = function(_, pool) return pool[1] end,
    failed = function() return "retry" end }]], backends)
    local function attempts()
      return #backends[1]:requests() + #backends[2]:requests() + #backends[3]:requests()
    end
    local body = "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
    assert.equal(503, client.request(n.address, body).status)
    assert.equal(2, attempts())
    assert.equal(503, n:get("/1").status)
    assert.equal(3, attempts())
  end)
end)
