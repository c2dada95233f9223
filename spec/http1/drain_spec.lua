local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local proxied = require "support.proxied"

local function slow(conn, request)
  conn:wait(tonumber(request.target:match "%d+" or "0") / 100)
  return request.target
end

describe("a graceful stop", function()
  it("lets a request end and closes its connection with the answer", function()
    local n, web = proxied.start(slow)
    local c = client.connect(n.address)
    c:send "GET /40 HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return web:requests()[1] end)
    n:signal "QUIT"
    local response = c:read_response()
    assert.equal("/40", response.body)
    assert.equal("close", response.headers.connection)
    assert.is_true(c:closed())
    assert.equal(0, n:wait(5))
  end)

  it("lets an upload end", function()
    local n, web = proxied.start(function(conn) return (conn:read_body()) end)
    local c = client.connect(n.address)
    c:send "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello"
    eventually(function() return web:requests()[1] end)
    n:signal "QUIT"
    n:wait_log "drain"
    c:send "world"
    assert.equal("helloworld", c:read_response().body)
    assert.equal(0, n:wait(5))
  end)

  it("gives an idle connection a moment for a last request", function()
    local n = proxied.start(slow)
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/0").status)
    n:signal "QUIT"
    n:wait_log "drain"
    local response = c:request("GET", "/1")
    assert.equal("/1", response.body)
    assert.equal("close", response.headers.connection)
    assert.equal(0, n:wait(5))
  end)

  it("does not wait long for idle connections", function()
    local n = proxied.start(slow, "timeouts = { drain = 30 }")
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/0").status)
    n:signal "QUIT"
    assert.is_true(c:closed(4))
    assert.equal(0, n:wait(5))
  end)

  it("does not wait long for those that become idle only then", function()
    local n, web = proxied.start(function(conn)
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n"
      conn:wait(0.5)
      conn:send(("x"):rep(70000))
    end, "timeouts = { drain = 30 }")
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    c:receive_until "\r\n\r\n" -- which says that the connection goes on
    n:signal "QUIT"
    assert.equal(70000, #c:receive(70000))
    assert.is_true(c:closed(4))
    eventually(function() return web:open_connections() == 0 end)
    assert.equal(0, n:wait(5))
  end)

  it("waits for idle connections no longer than timeouts.drain", function()
    local n = proxied.start(slow, "timeouts = { drain = 0.2 }")
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/0").status)
    n:signal "QUIT"
    assert.is_true(c:closed(1))
    assert.equal(0, n:wait(5))
    assert.equal(0, n:count_log "time is up") -- they lose nothing
  end)

  it("cuts off what is not over by timeouts.drain", function()
    local n, web = proxied.start(slow, "timeouts = { drain = 0.3 }")
    local c = client.connect(n.address)
    c:send "GET /2000 HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return web:requests()[1] end)
    n:signal "QUIT"
    assert.is_nil((c:read_response()))
    assert.equal(0, n:wait(5))
    assert.equal(1, n:count_log "warn.*drain: time is up, 1 connection is cut$")
  end)
end)

-- The first half of an answer; the other one never comes.
local function half(conn)
  conn:send "HTTP/1.1 200 OK\r\n\r\n"
  conn:send "half"
  conn:wait(20)
end

describe("an exchange that timeouts.drain cuts", function()
  local function cut(signal)
    local web = origin.start { handler = half }
    local n = admin.start({ web }, [[name = "shop",
      timeouts = { drain = 0.3 }, explain = { sample = 0 },
      policy = { log = function(_, o)
        require "neap".log.info("ended %d: %s", o.status, o.reason)
      end },]])
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    local got = ""
    eventually(function() got = got .. (c:receive(1) or "") return got:find "half" end)
    n:signal(signal)
    n:wait_log "drain: time is up, 1 connection is cut"
    n:wait_log "ended 200: cut: the drain's time was up"
    assert.equal(0, n:count_log "broke off") -- once is enough
    return n, c
  end

  it("is told of at a graceful stop", function()
    local n = cut "QUIT"
    assert.equal(0, n:wait(5))
  end)

  it("is no client that left, also after a reload", function()
    local n = cut "HUP"
    local metrics = eventually(function()
      local now = admin.metrics(n)
      return now['neap_service_broken_total{service="shop"}'] == 1 and now
    end)
    assert.equal(0, metrics['neap_service_aborted_total{service="shop"}'])
    local story = eventually(function()
      return admin.get(n, "/explain?failed=1").value.stories[1]
    end)
    assert.same({ 200, "cut: the drain's time was up" }, { story.status, story.reason })
  end)
end)
