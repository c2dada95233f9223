local cjson = require "cjson"
local client = require "support.client"
local eventually = require "support.eventually"
local gate = require "support.gate"
local neap = require "support.neap"
local nginx = require "support.nginx"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

-- The balancer from a file of its own, which a spec may replace.
local function start(config, options)
  options = options or {}
  options.config = config
  local binary = neap.open_binary()
  options.binary = binary
  return neap.start(options), binary
end

local function install(binary, text)
  scope.write(binary .. ".new", text)
  assert(os.execute(("chmod 755 %s.new"):format(binary)))
  assert(os.rename(binary .. ".new", binary))
end

local function upgrade(n)
  n:signal "USR2"
  local pid = tonumber((n:wait_log("upgraded: process (%d+) serves", 10)))
  scope.add {
    dispose = function()
      process.signal(pid, "TERM")
      eventually(function() return not process.exists(pid) end, 5)
    end,
  }
  return pid
end

describe("USR2", function()
  it("hands over to the binary that is there now; the old one drains and ends", function()
    local web = origin.start {}
    local n, binary = start(neap.config({ web }, 'pid_file = "n.pid"'))
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/").status)
    install(binary, scope.read(neap.binary))
    local pid = upgrade(n)
    eventually(function() return tonumber(scope.read(n.dir .. "/n.pid")) == pid end)
    assert.equal(200, n:get("/").status)
    assert.equal("close", c:request("GET", "/").headers.connection)
    assert.equal(0, n:wait(5))
    assert.equal(200, n:get("/").status)
    assert.equal(pid, tonumber(scope.read(n.dir .. "/n.pid")))
    assert.equal(0, (neap.run { "reload", "--pid", pid }))
  end)

  it("goes on and says why, when the new binary does not start", function()
    local n, binary = start(neap.config { origin.start {} }, { allow = { "upgrade" } })
    install(binary, "no program")
    n:signal "USR2"
    n:wait_log("error upgrade: process %d+ ended with status 1: cannot start " ..
      binary:gsub("%p", "%%%0") .. ": Exec format error")
    n:wait_log "upgrade failed: this process goes on serving"
    assert.equal(200, n:get("/").status)
    install(binary, "#!/bin/sh\nkill -9 $$\n")
    n:signal "USR2"
    n:wait_log "upgrade: process %d+ was killed by signal 9"
    install(binary, scope.read(neap.binary))
    scope.write(n.dir .. "/config.lua", "return {")
    n:signal "USR2"
    n:wait_log "upgrade: process %d+ ended with status 1: [^\n]*config%.lua:1:"
    assert.equal(200, n:get("/").status)
  end)

  it("keeps states, counters and the numbers of generations", function()
    local webs = origin.several(2)
    local n = start(neap.config(webs, [[
      health = { interval = 60, recheck = 60 },
      policy = { request = function(request)
        local total = require("neap").metric.counter("asked", "requests")
        request.ctx.n = total:next()
      end, response = function(request, backend, response)
        response:set_header("x-n", tostring(request.ctx.n))
      end }]]))
    eventually(function() return n:count_log "checked ok" == 2 end)
    webs[2]:kill()
    eventually(function()
      n:get "/"
      return n:count_log "is dead%.$" == 1
    end)
    local before = tonumber(n:get("/").headers["x-n"])
    upgrade(n)
    for i = 1, 4 do
      local response = n:get "/"
      assert.equal("web1", response.body)
      assert.equal(before + i, tonumber(response.headers["x-n"]))
    end
    assert.equal(1, n:count_log "is dead%.$")
    assert.equal(0, n:wait(5))
  end)

  it("QUIT ends the old and the new one, and cuts no request of either", function()
    local web = gate.start()
    local n = start(neap.config { web })
    local old, new = client.connect(n.address), client.connect(n.address)
    old:send "GET /old HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return #web:requests() == 1 end)
    local pid = upgrade(n)
    n:signal "QUIT"
    new:send "GET /new HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return #web:requests() == 2 end)
    process.signal(pid, "QUIT")
    eventually(function() return n:count_log "draining: " == 2 end)
    web:open "/old"
    web:open "/new"
    assert.equal(200, old:read_response().status)
    assert.equal(200, new:read_response().status)
    assert.equal(0, n:wait(5))
    eventually(function() return not process.exists(pid) end, 5)
    assert.is_false(pcall(client.connect, n.address))
  end)

  it("hands over unix sockets", function()
    local address = "unix:" .. scope.directory() .. "/a.sock"
    local n = start(neap.config({ origin.start {} }, ('listen = %q'):format(address)))
    upgrade(n)
    assert.equal(0, n:wait(5))
    assert.equal(200, client.get(address).status)
  end)

  it("hands over the admin side, whose new agent answers", function()
    local address = "unix:" .. scope.directory() .. "/admin.sock"
    local n = start(neap.config({ origin.start {} }, ('admin = { listen = %q }'):format(address)))
    assert.equal(200, client.get(address, "/healthz").status)
    upgrade(n)
    assert.equal(0, n:wait(5))
    assert.equal(2, cjson.decode(client.get(address, "/status").body).generation)
  end)

  it("loses no request under full load", function()
    local web = nginx.start { name = "web" }
    local n = start(neap.config({ web.url }, "workers = 2"))
    local runs = {
      process.spawn { argv = { "wrk", "-t1", "-c32", "-d4s", "http://" .. n.address .. "/" } },
      process.spawn {
        argv = { "wrk", "-t1", "-c8", "-d4s", "-H", "Connection: close",
          "http://" .. n.address .. "/" },
      },
    }
    eventually(function() return n:get("/").status == 200 end)
    local pid = upgrade(n)
    n:wait(10)
    process.signal(pid, "USR2")
    local last = eventually(function()
      return n:log():match("upgraded: process %d+ serves.*upgraded: process (%d+) serves")
    end, 10)
    for _, run in ipairs(runs) do
      assert.equal(0, (run:wait(15)))
      assert.is_nil(run:stdout():match "Socket errors[^\n]*")
      assert.is_nil(run:stdout():match "Non%-2xx[^\n]*")
      assert.is_true(tonumber(run:stdout():match "(%d+) requests in") > 200)
    end
    process.signal(tonumber(last), "TERM")
    eventually(function() return not process.exists(tonumber(last)) end)
  end)
end)
