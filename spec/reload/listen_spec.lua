local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local scope = require "support.scope"

local function reload(n, number, config)
  scope.write(n.dir .. "/config.lua", config)
  n:signal "HUP"
  return n:wait_log(("generation %d serves: ([^;\n]+)"):format(number), 10)
end

local function free_port()
  local fd, _, port = net.listen "127.0.0.1:0"
  net.close(fd)
  return port
end

local function is_refused(address)
  local fd, why = net.connect(address)
  if fd then net.close(fd) end
  return why == "refused"
end

describe("listening addresses over a reload", function()
  it("are added and taken away", function()
    local web = origin.start {}
    local n = neap.start { config = neap.config { web } }
    local two = 'listen = { "127.0.0.1:0", "[::1]:0" }'
    local list = reload(n, 2, neap.config({ web }, two))
    local added = list:match "http (%[::1%]:%d+)"
    assert.equal(200, client.get(added).status)
    assert.equal(200, n:get("/").status)
    reload(n, 3, neap.config { web })
    assert.is_true(is_refused(added))
    assert.equal(200, n:get("/").status)
  end)

  it("change from one interface to all, and back, on the same port", function()
    local web = origin.start {}
    local port = free_port()
    local one = neap.config({ web }, ('listen = "127.0.0.1:%d"'):format(port))
    local all = neap.config({ web }, ('listen = ":%d"'):format(port))
    local n = neap.start { config = one }
    reload(n, 2, all)
    assert.equal(200, client.get(("[::1]:%d"):format(port)).status)
    assert.equal(200, client.get(port).status)
    reload(n, 3, one)
    assert.is_true(is_refused(("[::1]:%d"):format(port)))
    assert.equal(200, client.get(port).status)
  end)

  it("may be unix sockets, whose files come and go", function()
    local web = origin.start {}
    local n = neap.start { config = neap.config { web } }
    local path = n.dir .. "/a.sock"
    local config = neap.config({ web }, ('listen = { "127.0.0.1:0", "unix:%s" }'):format(path))
    reload(n, 2, config)
    assert.equal(200, client.get("unix:" .. path).status)
    reload(n, 3, config)
    assert.equal(200, client.get("unix:" .. path).status)
    reload(n, 4, neap.config { web })
    eventually(function() return io.open(path) == nil end)
  end)

  it("that another process has fail the reload, and leave the rest as it was", function()
    local web = origin.start {}
    local n = neap.start { config = neap.config { web }, allow = { "reload" } }
    local _, taken = net.listen "127.0.0.1:0"
    local added = "127.0.0.1:" .. free_port()
    local more = ('listen = { "%s", "127.0.0.1:0", "%s" }'):format(added, taken)
    scope.write(n.dir .. "/config.lua", neap.config({ web }, more))
    n:signal "HUP"
    n:wait_log("error reload: cannot listen on " .. taken:gsub("%p", "%%%0"))
    n:wait_log "reload failed"
    assert.equal(200, n:get("/").status)
    assert.is_true(is_refused(added))
  end)

  it("keep what waits in their queues while the number of workers changes", function()
    local web = origin.start {}
    local n = neap.start { config = neap.config({ web }, "workers = 4") }
    local generation = 1
    for _, workers in ipairs { 1, 3, 2, 6, 1 } do
      generation = generation + 1
      reload(n, generation, neap.config({ web }, "workers = " .. workers))
      for _ = 1, 24 do assert.equal(200, n:get("/").status) end
      eventually(function() return #n:workers() == workers end, 5, workers .. " workers")
    end
  end)

  it("change between http and tcp", function()
    local web = origin.start {}
    local port = free_port()
    local listen = ('listen = "127.0.0.1:%d"'):format(port)
    local n = neap.start { config = neap.config({ web }, listen) }
    reload(n, 2, neap.config({ "tcp://" .. web.address }, listen .. ', mode = "tcp"'))
    assert.equal(200, client.get(port).status)
    reload(n, 3, neap.config({ web }, listen))
    assert.equal(200, client.get(port).status)
  end)
end)
