local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local scope = require "support.scope"

describe("the admin side and reloads", function()
  local function change(n, from, to)
    local path = n.dir .. "/config.lua"
    scope.write(path, (scope.read(path):gsub(from, to)))
  end

  it("reloads when asked, says which generation serves, and keeps what was counted", function()
    local o = origin.start()
    local n = admin.start({ o }, 'name = "web", retry = { attempts = 7 }')
    for _ = 1, 3 do n:get "/" end
    eventually(function() return admin.status(n).services[1].requests == 3 end)
    local r = admin.call(n, "POST", "/reload")
    assert.equals(200, r.status)
    assert.same({ status = "reloaded", generation = 2 }, r.value)
    n:get "/"
    eventually(function()
      local s = admin.status(n)
      return s.generation == 2 and s.services[1].requests == 4
        and s.services[1].latency.count == 4 and s.pools[1].backends[1].requests == 4
        and s.pools[1].latency.count == 4
    end)
  end)

  it("answers whoever had connected just before", function()
    local path = "unix:" .. scope.directory() .. "/admin"
    local n = admin.start({ 1 }, "", { admin = ("{ listen = %q, token = %q }"):format(path,
      admin.token) })
    local early, kept = client.connect(path), client.connect(path)
    assert.equals(200, kept:request("GET", "/healthz").status)
    assert.equals(200, admin.call(n, "POST", "/reload").status)
    local r = early:request("GET", "/healthz")
    assert.equals(200, r.status)
    assert.equals("close", r.headers.connection)
    assert.is_true(kept:closed())
  end)

  it("says why a config is refused, and goes on", function()
    local n = admin.start({ 1 }, "retry = { attempts = 7 }")
    n:allow "reload"
    n:allow "attempts"
    change(n, "attempts = 7", 'attempts = "x\\"y"')
    local r = admin.call(n, "POST", "/reload")
    assert.equals(422, r.status)
    assert.is_truthy(r.value.error:find("retry.attempts", 1, true))
    assert.equals(200, admin.get(n, "/healthz").status)
    local status = admin.status(n)
    assert.equals(1, status.generation)
    assert.is_truthy(status.reload.error:find("retry.attempts", 1, true))
    assert.equals(1, status.reload.failures)
    assert.equals(0, admin.metrics(n).neap_reload_successful)
  end)

  it("moves to the address that the new config names", function()
    local path = scope.directory() .. "/other"
    local n = admin.start { 1 }
    change(n, 'admin = { listen = "127.0.0.1:0"', ('admin = { listen = "unix:%s"'):format(path))
    assert.equals(200, admin.call(n, "POST", "/reload").status)
    local old = n.admin
    n.admin = "unix:" .. path
    eventually(function() return admin.status(n).generation == 2 end)
    assert.is_false(pcall(require("support.client").connect, old))
    change(n, 'admin = { listen = "unix:', 'unused = { listen = "unix:')
    change(n, "unused = %b{},", "")
    n:signal "HUP"
    n:wait_log "generation 3 serves: [^\n]* worker\n"
    assert.is_false(pcall(require("support.client").connect, n.admin))
  end)
end)
