local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"

-- GET /bytes/N: a head of just N bytes; /lines/N: one with N header lines.
local function answer(conn)
  while true do
    local request = conn:read_request()
    if not request then return end
    local what, count = request.target:match "/(%a+)/(%d+)"
    local start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
    if what == "bytes" then
      conn:send(start .. "X: " .. ("x"):rep(count - #start - 7) .. "\r\n\r\n")
    else
      conn:send(start .. ("X: y\r\n"):rep(count - 1) .. "\r\n")
    end
  end
end

local function balancer(limits, more)
  return neap.start { config = ([[return { workers = 1,
    services = { { listen = "127.0.0.1:0", pool = "p", %s } },
    pools = { p = { backends = { "%s" }, health = { type = "none" }, %s,
      policy = { failed = function() return "fail" end } } } }]])
    :format(more or "", origin.start({ connection = answer }).url, limits) }
end

describe("a pool's limits", function()
  it("bound an answer's head, in bytes", function()
    local n = balancer "limits = { header_bytes = 2000 }"
    assert.equal(200, n:get("/bytes/2000").status)
    local response = n:get "/bytes/2001"
    assert.equal(502, response.status)
    assert.equal("header too large in the answer: more than limits.header_bytes of the pool",
      response.headers["x-neap-error"])
    assert.equal(502, n:get("/bytes/200000").status)
  end)

  it("bound an answer's head, in lines", function()
    local n = balancer "limits = { headers = 20 }"
    assert.equal(200, n:get("/lines/20").status)
    local response = n:get "/lines/21"
    assert.same({ 502, "too many fields in the answer: more than limits.headers of the pool" },
      { response.status, response.headers["x-neap-error"] })
  end)

  it("are 64 KiB and 500 lines by default, whatever a client may send", function()
    local n = balancer("limits = {}", "limits = { header_bytes = 600, headers = 3 }")
    assert.equal(200, n:get("/bytes/65536").status)
    assert.equal(502, n:get("/bytes/65537").status)
    assert.equal(200, n:get("/lines/500").status)
    assert.equal(502, n:get("/lines/501").status)
  end)

  it("may be larger than the blocks of bodies", function()
    local n = balancer "limits = { header_bytes = 262144, headers = 1000 }"
    assert.equal(262144, #n:get("/bytes/262144").raw)
    assert.equal(1000, #n:get("/lines/1000").headers)
  end)

  it("leave room for a client that takes its answers late", function()
    local n = balancer "limits = {}"
    local c = client.connect(n.address)
    c:send(("GET /bytes/65536 HTTP/1.1\r\nHost: a\r\n\r\n"):rep(200))
    for _ = 1, 200 do assert.equal(65536, #c:read_response().raw) end
  end)

  it("have clear errors", function()
    for limits, text in pairs {
      ["limits = { header_bytes = 100 }"] = "pools.p.limits.header_bytes",
      ["limits = { body_bytes = 100 }"] = "pools.p.limits.body_bytes: unknown key",
      ["limits = { headers = 1001 }"] = "pools.p.limits.headers",
    } do
      local ok, why = pcall(balancer, limits)
      assert.is_false(ok)
      assert.matches(text, tostring(why), 1, true)
    end
  end)
end)
