local admin = require "support.admin"
local client = require "support.client"

describe("the admin side's server", function()
  local n
  before_each(function() n = admin.start { 1 } end)

  local function answer(bytes)
    local r = client.request(n.admin, bytes)
    assert.equals("application/json", r.headers["content-type"])
    assert.is_truthy(r.body:find(('"status":%d}'):format(r.status), 1, true), r.body)
    return r
  end

  it("refuses what the data side refuses", function()
    local head = "GET /healthz HTTP/1.1\r\nHost: a\r\n"
    for bytes, status in pairs {
      ["GET /\r\n\r\n"] = 400,
      ["GET / HTTP/1.1\r\n\r\n"] = 400,
      [head .. "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"] = 400,
      [head .. "Content-Length: 1, 1\r\n\r\n"] = 400,
      [head .. "X: " .. ("x"):rep(17000) .. "\r\n\r\n"] = 431,
      [head .. ("X: y\r\n"):rep(70) .. "\r\n"] = 431,
      ["GET /" .. ("x"):rep(9000) .. " HTTP/1.1\r\nHost: a\r\n\r\n"] = 414,
      [head .. "Content-Length: 70000\r\n\r\n"] = 413,
      [head .. "Transfer-Encoding: chunked\r\n\r\nzz\r\n"] = 400,
      [head .. "Transfer-Encoding: chunked\r\n\r\n11000\r\n" .. ("x"):rep(0x11000)] = 413,
    } do
      local r = answer(bytes)
      assert.equals(status, r.status, bytes:sub(1, 60))
      assert.equals("close", r.headers.connection)
    end
  end)

  it("serves one request after the other on a connection, pipelined ones too", function()
    local c = client.connect(n.admin)
    local one = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab"
    c:send(one:rep(3) .. "\r\n" .. one)
    for _ = 1, 4 do assert.equals(200, c:read_response().status) end
    c:send(one:sub(1, 20))
    c:send(one:sub(21, -2))
    c:send(one:sub(-1))
    assert.equals(200, c:read_response().status)
    c:send "GET /healthz HTTP/1.0\r\n\r\n"
    local r = c:read_response()
    assert.equals("close", r.headers.connection)
    assert.is_true(c:closed())
  end)

  it("stays reachable when others hold connections and send nothing", function()
    local held = {}
    for i = 1, 80 do
      held[i] = client.connect(n.admin)
      held[i]:send "GET /st"
    end
    assert.equals(200, admin.get(n, "/healthz").status)
    for _, c in ipairs(held) do c:close() end
  end)

  it("keeps answers from being framed, cached or guessed at", function()
    local h = admin.get(n, "/status").headers
    assert.is_truthy(h["content-security-policy"]:find("frame-ancestors 'none'", 1, true))
    assert.equals("nosniff", h["x-content-type-options"])
    assert.equals("no-store", h["cache-control"])
    assert.is_nil(h["access-control-allow-origin"])
  end)
end)
