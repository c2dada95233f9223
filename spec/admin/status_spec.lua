local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"
local stat = require "posix.sys.stat"

describe("the admin side", function()
  it("tells what the balancer knows and does", function()
    local o = origin.start { text = "hello" }
    local n = admin.start({ o, 1 }, 'name = "web", health = { interval = 60 }')
    for _ = 1, 5 do assert.equals(200, n:get("/").status) end
    local status = eventually(function()
      local s = admin.status(n)
      return s.services[1].requests == 5 and s.pools[1].backends[2].state == "down" and s
    end)
    local service, backend = status.services[1], status.pools[1].backends[1]
    assert.equals("web", service.name)
    assert.equals(5, service.answers["2xx"])
    assert.equals(5, service.latency.count)
    assert.is_true(service.policy_calls.decide >= 5)
    assert.is_true(service.latency.p50 > 0)
    assert.equals("up", backend.state)
    assert.same({ backend = "file", state = "auto", weight = "file" }, backend.origin)
    assert.equals(5, backend.requests)
    assert.equals("connection refused", status.pools[1].backends[2].reason)
    assert.equals(1, #status.workers)
    assert.equals(1, status.generation)
    assert.is_truthy(status.config:find "config.lua")
    local states = {}
    for _, event in ipairs(status.events) do states[event.backend or ""] = event.to end
    assert.same({ [backend.name] = "up", ["127.0.0.1:1"] = "down" }, states)
  end)

  it("answers what is asked wrongly with JSON and a status", function()
    local n = admin.start { 1 }
    local c = client.connect(n.admin)
    for _, case in ipairs {
      { "GET", "/nothing", 404 }, { "POST", "/status", 405 }, { "OPTIONS", "/status", 405 },
    } do
      local r = c:request(case[1], case[2])
      assert.equals(case[3], r.status)
      assert.is_truthy(r.body:find('"status":' .. case[3], 1, true))
      assert.is_truthy(r.body:find('"error":"', 1, true))
      if case[3] == 405 then assert.equals("GET, HEAD", r.headers.allow) end
    end
    local head = c:request("HEAD", "/healthz")
    assert.equals("", head.body)
    assert.equals('{"status":"ok"}\n', c:request("GET", "/healthz").body)
    c:close()
  end)

  it("does not answer to a name that a page could have made up", function()
    local n = admin.start({ 1 }, "", {
      admin = '{ listen = "127.0.0.1:0", hosts = { "Ops.example" } }',
    })
    for host, expected in pairs {
      ["evil.example"] = 421, ["evil.example:80"] = 421, ["127.0.0.1.evil.example"] = 421,
      ["localhost:1"] = 200, ["[::1]:9"] = 200, ["10.1.2.3"] = 200, ["ops.example:80"] = 200,
    } do
      assert.equals(expected, admin.get(n, "/healthz", { Host = host }).status, host)
    end
  end)

  it("listens on a unix socket with the permissions it was told", function()
    local path = scope.directory() .. "/admin"
    local n = admin.start({ 1 }, "", { admin = ('{ listen = "unix:%s", mode = "0660" }')
      :format(path) })
    assert.equals("unix:" .. path, n.admin)
    assert.equals(tonumber("660", 8), stat.stat(path).st_mode % 512)
    assert.equals(200, client.get("unix:" .. path, "/healthz").status)
    n:stop()
    assert.is_nil(stat.stat(path))
  end)

  it("outlives its agent", function()
    local n = admin.start { 1 }
    n:allow "agent .* was killed"
    local agent = n:agent()
    require("support.process").signal(agent, "KILL")
    eventually(function() return n:agent() and n:agent() ~= agent end)
    assert.equals(200, admin.get(n, "/healthz").status)
  end)

  it("says when it ends gracefully", function()
    local o = origin.start { handler = function(conn) conn:closed(5) end }
    local n = admin.start { o }
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return admin.status(n).pools[1].inflight == 1 end)
    n:signal "QUIT"
    eventually(function() return admin.get(n, "/healthz").status == 503 end)
    c:close()
    assert.equals(0, n:wait(5))
  end)

  it("is checked with the rest of the config", function()
    for text, expected in pairs {
      ['admin = { token = "short" }'] = "admin.token: the token has 5 bytes",
      ['admin = { token = "with a blank" }'] = "admin.token: the token has blanks",
      ['admin = { tokn = "12345678" }'] = "did you mean 'token'",
      ['admin = { listen = "somewhere" }'] = "admin.listen: 'somewhere' is not an address",
      ['admin = { group = "adm" }'] = "admin.group: this goes only with a unix socket",
      ['admin = { mode = "777" }'] = "admin.mode: ",
      ['admin = { token_file = "no-such-file" }'] = "admin.token_file: ",
      ['admin = { listen = "127.0.0.1:8081" }, listen = "127.0.0.1:8081"'] = "is listened on",
    } do
      local code, output = neap.check(neap.config({ 1 }, text))
      assert.equals(1, code, text)
      assert.is_truthy(output:find(expected, 1, true), output)
    end
  end)
end)
