local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

-- The first connection takes a second request and ends in the way named; later ones serve.
local function dying(ending)
  return origin.start {
    connection = function(conn)
      while conn:read_request() do
        if conn.id == 1 and conn.served == 2 then
          if ending == "reset" then conn:reset() end
          return
        end
        if conn.request.headers["content-length"] then conn:read_body() end
        conn:send(OK)
      end
    end,
  }
end

local function stop_worker(n)
  local worker = n:workers()[1]
  process.signal(worker, "STOP")
  eventually(function() return scope.read(("/proc/%d/stat"):format(worker)):match "%) T" end)
  return worker
end

describe("a kept-alive connection that turns out dead", function()
  for _, ending in ipairs { "close", "reset" } do
    it(("(%s) is replaced: no failure, no attempt"):format(ending), function()
      local web = dying(ending)
      local n = proxied.before({ web }, "retry = { attempts = 1 }")
      local c = client.connect(n.address)
      for _ = 1, 3 do assert.equal("ok", c:request("GET", "/").body) end
      assert.equal(2, web:connections())
      assert.equal(0, n:count_log "is dead")
      assert.equal(0, n:count_log "attempt %d+ on")
    end)
  end

  it("is replaced once: a fresh one that dies, too, has failed", function()
    local web = origin.start {
      connection = function(conn)
        conn:read_request()
        if conn.id > 1 then return conn:reset() end
        conn:send(OK)
        conn:read_request()
      end,
    }
    local n = proxied.before { web }
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/").status)
    assert.equal(502, c:request("GET", "/").status)
    assert.equal(2, web:connections())
  end)

  for _, ending in ipairs { "close", "reset" } do
    it(("(%s) is a 502 for a POST that may have been taken"):format(ending), function()
      for _ = 1, 3 do
        local web = dying(ending)
        local n = proxied.before { web }
        local c = client.connect(n.address)
        assert.equal(200, c:request("GET", "/").status)
        assert.equal(502, c:request("POST", "/", nil, "once").status)
        assert.equal(1, web:connections())
        assert.equal(2, #web:requests())
        n:stop()
      end
    end)
  end

  -- The backend's end is there when the worker wakes up, before it sends anything.
  for _, method in ipairs { "GET", "POST" } do
    it(("and was known to be before is not used: %s"):format(method), function()
      local web = origin.start { timeout = 0.2 }
      local n = proxied.before { web }
      local c = client.connect(n.address)
      assert.equal(200, c:request("GET", "/").status)
      local worker = stop_worker(n)
      eventually(function() return web:open_connections() == 0 end)
      c:send(method .. " / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nonce")
      process.signal(worker, "CONT")
      assert.equal(200, c:read_response().status)
      assert.equal(0, n:count_log "is dead")
    end)
  end

  it("is replaced with the body whole", function()
    local web = dying "close"
    local n = proxied.before { web }
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/").status)
    assert.equal("ok", c:request("PUT", "/", nil, proxied.pattern(50000)).body)
    local all = web:requests()
    assert.is_true(all[#all].body == proxied.pattern(50000))
  end)

  it("happens to a restarted backend without an error at any client", function()
    local web = origin.start {}
    local n = proxied.before { web }
    local clients = {}
    for index = 1, 8 do clients[index] = client.connect(n.address) end
    for _ = 1, 3 do
      for _, c in ipairs(clients) do assert.equal(200, c:request("GET", "/").status) end
      web:start_again()
      for _, c in ipairs(clients) do assert.equal(200, c:request("GET", "/").status) end
    end
  end)
end)
