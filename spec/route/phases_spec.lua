-- request:timeouts, one by one: the config itself would wait for a minute.
local client = require "support.client"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"

local function start(timeouts, backend, more)
  return neap.start {
    config = neap.config({ backend }, ([[health = { type = "none" },
      policy = { request = function(request) request:timeouts { %s } %s end }]])
      :format(timeouts, more or "")),
  }
end

describe("request:timeouts", function()
  it("connect: a backend that does not take the connection", function()
    local n = start("connect = 0.2", { url = "http://" .. net.silent() })
    assert.equal(504, n:get().status)
  end)

  it("attempt: the whole of it, however the backend goes on", function()
    local n = start("attempt = 0.4", origin.start { handler = function(conn)
      for _ = 1, 100 do
        if not conn:send "HTTP/1.1 103 Early Hints\r\n\r\n" then return end
        conn:wait(0.1)
      end
    end, allow_errors = true })
    assert.equal(504, n:get().status)
  end)

  it("stream_idle: an answer that stops", function()
    local n = start("stream_idle = 0.3", origin.start { handler = function(conn)
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
      conn:wait(30)
    end, allow_errors = true })
    n:allow "broke off"
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert.matches("\r\n\r\nhalf$", c:read_all())
  end)

  it("request: the hook that sets it may wait so long, too", function()
    local late = origin.start { handler = function() return "late" end }
    local n = neap.start {
      config = neap.config({ late }, [[health = { type = "none" }, timeouts = { request = 0.2 },
        policy = { request = function(request)
          local neap = require "neap"
          if request.path == "/more" then request:timeouts { request = 20 } end
          if request.path == "/none" then request:timeouts { request = false } end
          neap.sleep(0.5)
        end }]]),
    }
    n:allow "did not answer in time"
    assert.equal(504, n:get("/").status)
    assert.equal("late", n:get("/more").body)
    assert.equal("late", n:get("/none").body)
  end)
end)
