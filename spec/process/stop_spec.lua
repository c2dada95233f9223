local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local process = require "support.process"

describe("stopping", function()
  for _, name in ipairs { "TERM", "INT" } do
    it("by " .. name .. " is at once, with 0, and leaves nothing", function()
      local n = neap.start { config = neap.config({ origin.start {} }, "workers = 2") }
      local idle = client.connect(n.address)
      assert.equal(200, idle:request("GET", "/").status)
      local below = process.tree(n.pid)
      n:signal(name)
      assert.equal(0, n:wait(2))
      assert.matches("info stopped\n", n:log())
      for _, pid in ipairs(below) do assert.is_false(process.exists(pid)) end
      assert.is_true(idle:closed())
    end)
  end

  it("by QUIT lets an open request finish and refuses new connections", function()
    local asked
    local web = origin.start {
      handler = function(conn)
        conn:wait(1)
        return conn.name
      end,
    }
    local n = neap.start { config = neap.config({ web }, "timeouts = { drain = 5 }") }
    asked = client.connect(n.address)
    asked:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return web:requests()[1] end)
    n:signal "QUIT"
    eventually(function() return net.connect(n.address, 0.2) == nil end, 2)
    assert.equal(200, asked:read_response().status)
    assert.equal(0, n:wait(5))
  end)

  it("by QUIT is at once when nothing is open", function()
    local n = neap.start { config = neap.config { origin.start {} } }
    n:signal "QUIT"
    assert.equal(0, n:wait(2))
  end)

  it("by QUIT ends by the drain deadline whoever is still there", function()
    local web = origin.start { handler = function(conn) conn:wait(20) end }
    local n = neap.start { config = neap.config({ web }, "timeouts = { drain = 1 }") }
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return web:requests()[1] end)
    n:signal "QUIT"
    assert.equal(0, n:wait(4))
    c:receive_all()
  end)

  it("by QUIT gives notice first: /healthz is bad, and clients are served as before", function()
    local n = neap.start {
      config = neap.config({ origin.start {} },
        'workers = 2, timeouts = { notice = 2 }, admin = { listen = "127.0.0.1:0" }'),
    }
    local kept = client.connect(n.address)
    assert.equal(200, kept:request("GET", "/").status)
    n:signal "QUIT"
    eventually(function() return client.get(n.admin, "/healthz").status == 503 end, 1.5, "bad")
    assert.equal(200, kept:request("GET", "/").status)
    for _ = 1, 20 do assert.equal(200, n:get("/").status) end
    eventually(function() return net.connect(n.address, 0.2) == nil end, 4, "refused")
    assert.equal(0, n:wait(5))
  end)

  it("by TERM cuts a notice short, and a reload has none", function()
    local n = neap.start {
      config = neap.config({ origin.start {} }, "timeouts = { notice = 60 }"),
    }
    n:signal "HUP"
    n:wait_log "generation 2"
    eventually(function() return #n:workers() == 1 end, 10, "the first generation's end")
    n:signal "QUIT"
    n:wait_log "draining"
    assert.equal(200, n:get("/").status)
    n:signal "TERM"
    assert.equal(0, n:wait(3))
  end)

  it("by TERM cuts a drain short", function()
    local web = origin.start { handler = function(conn) conn:wait(20) end }
    local n = neap.start { config = neap.config { web } }
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return web:requests()[1] end)
    n:signal "QUIT"
    n:wait_log "draining"
    n:signal "TERM"
    assert.equal(0, n:wait(3))
  end)
end)

describe("other signals", function()
  it("USR1 opens the log again", function()
    local n = neap.start {
      config = neap.config({ origin.start {} }, 'log = { target = "neap.log" }'),
      log_file = "neap.log",
    }
    assert(os.rename(n.dir .. "/neap.log", n.dir .. "/old.log"))
    n:signal "USR1"
    eventually(function() return io.open(n.dir .. "/neap.log") end)
    n:signal "HUP"
    n:wait_log "reloaded"
  end)
end)
