local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local process = require "support.process"
local proxied = require "support.proxied"

-- A backend that sends the head of its answer and then does as told.
local function head_only(length, then_do)
  return origin.start {
    connection = function(conn)
      conn:read_request()
      conn:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(length))
      then_do(conn)
    end,
  }
end

describe("a head without its body", function()
  -- The worker finds head and end at the same time, however slow the machine is.
  it("is no answer yet for a moment: when the backend dies there, another one answers", function()
    local dying = origin.start {
      connection = function(conn)
        conn:read_request()
        conn:wait(0.3)
        conn:send "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
      end,
    }
    local n = proxied.before { dying, origin.start { name = "web" } }
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return dying:requests()[1] end)
    process.signal(n:workers()[1], "STOP")
    eventually(function() return dying:open_connections() == 0 end)
    process.signal(n:workers()[1], "CONT")
    assert.equal("web", c:read_response().body)
  end)

  for _, length in ipairs { 5, 60000 } do
    it("goes on without it when that does not follow at once: " .. length, function()
      local slow = head_only(length, function(conn)
        conn:read_some() -- the spec has the head
        conn:send(("x"):rep(length))
      end)
      local n = proxied.before { slow }
      local c = client.connect(n.address)
      c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      assert.matches("^HTTP/1.1 200 OK\r\n", c:receive_until "\r\n\r\n")
      assert.equal("", c.buffer)
    end)
  end

  it("and a backend that stalls there break off after stream_idle, and it stays up", function()
    local stalling = head_only(5, function(conn) conn:closed(10) end)
    local n = proxied.before({ stalling }, "timeouts = { stream_idle = 0.2 }")
    assert.is_true(n:get("/").truncated)
    assert.equal(0, n:count_log "is dead")
  end)

  it("does not end the wait for the body of the next request's answer", function()
    local web = origin.start {
      connection = function(conn)
        while conn:read_request() do
          conn:send "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
          conn:wait(0.02)
          conn:send "hello"
        end
      end,
    }
    local n = proxied.before { web }
    local c = client.connect(n.address)
    for _ = 1, 5 do assert.equal("hello", c:request("GET", "/").body) end
    assert.equal(1, web:connections())
  end)

  it("goes on as soon as the body begins", function()
    local slow = head_only(5, function(conn)
      conn:send "he"
      conn:send "llo"
    end)
    local n = proxied.before { slow }
    assert.equal("hello", n:get("/").body)
  end)

  it("of a large body goes on at once", function()
    local broken = head_only(100000, function(conn) conn:close() end)
    local n = proxied.before { broken, origin.start { name = "web" } }
    assert.is_true(n:get("/").truncated)
  end)
end)
