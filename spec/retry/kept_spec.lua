local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local proxied = require "support.proxied"

local LARGE = proxied.pattern(100000)

-- A backend whose answers say what Keep-Alive says here.
local function saying(keep_alive)
  return origin.start {
    handler = function(conn)
      conn:read_body()
      return { headers = { ["Keep-Alive"] = keep_alive }, body = "ok" }
    end,
  }
end

-- Nothing happens on the connection to the backend for so long, and it stands.
local function idle(web, seconds)
  eventually.always(function() return web:open_connections() == 1 end, seconds)
end

-- → connections that the backend has seen after a request, a pause and this request
local function connections_after(web, seconds, method, body)
  local n = proxied.before { web }
  local c = client.connect(n.address)
  assert.equal(200, c:request("GET", "/").status)
  idle(web, seconds)
  assert.equal(200, c:request(method, "/", nil, body).status)
  return web:connections()
end

describe("a request that has one try only", function()
  it("goes onto a kept connection that was in use a moment ago", function()
    assert.equal(1, connections_after(origin.start {}, 0.1, "POST", "once"))
  end)

  for what, request in pairs {
    ["a POST"] = { "POST", "once" },
    ["a body larger than what is kept"] = { "PUT", LARGE },
  } do
    it("gets a fresh one where that was idle for more than a second: " .. what, function()
      assert.equal(2, connections_after(origin.start {}, 1.2, request[1], request[2]))
    end)
  end

  it("gets it in place of the idle one, for a backend may serve one connection only", function()
    local web = origin.start {}
    connections_after(web, 1.2, "POST", "once")
    eventually(function() return web:open_connections() == 1 end)
  end)

  it("is not one that may be sent again", function()
    assert.equal(1, connections_after(origin.start {}, 1.2, "PUT", "again"))
  end)

  it("hardly ever fails at a backend that ends each connection unannounced", function()
    local web = origin.start {
      connection = function(conn)
        conn:read_request()
        conn:read_body()
        conn:send "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      end,
    }
    local n = proxied.before({ web }, "policy = { failed = function() return 'fail' end }")
    local c, failed = client.connect(n.address), 0
    for _ = 1, 100 do
      if c:request("POST", "/", nil, "once").status ~= 200 then failed = failed + 1 end
    end
    assert.is_true(failed <= 3, failed)
  end)

  it("meets no 502 at a backend that closes idle connections", function()
    local web = origin.start { timeout = 0.2 }
    local n = proxied.before { web }
    local c = client.connect(n.address)
    for round = 1, 8 do
      assert.equal(200, c:request("POST", "/", nil, "once").status)
      local pause = round % 2 == 0 and 0.02 or 0.5 * eventually.slowness
      eventually.always(function() return #web:requests() == round end, pause)
    end
    assert.is_true(web:connections() >= 4)
  end)
end)

describe("a backend's Keep-Alive", function()
  it("is believed: a connection whose time is nearly over is not used", function()
    assert.equal(2, connections_after(saying "timeout=1", 0.7, "GET"))
  end)

  it("may say more than one thing, and blanks", function()
    assert.equal(2, connections_after(saying "max=100, Timeout = 1", 0.7, "GET"))
  end)

  it("may say a longer time", function()
    assert.equal(1, connections_after(saying "timeout=5", 0.7, "GET"))
  end)

  it("of no time at all keeps nothing", function()
    assert.equal(2, connections_after(saying "timeout=0", 0.02, "GET"))
  end)

  for _, text in ipairs { "timeout", "timeout=", "timeout=x", "timeout=-1", "=", ",", "max=1",
    "timeout=99999999999999999999" } do
    it("that is malformed says nothing: " .. text, function()
      assert.equal(1, connections_after(saying(text), 0.02, "GET"))
    end)
  end
end)
