-- request:limits { body_bytes = … }: a limit for one request, above or below the service's.
local client = require "support.client"
local h2_client = require "support.h2_client"
local origin = require "support.origin"
local proxied = require "support.proxied"

local POLICY = [[policy = {
  request = function(request)
    local most = request.path:match "^/(%d+)"
    if most then request:limits { body_bytes = tonumber(most) } end
    if request.path == "/any" then request:limits { body_bytes = false } end
    if request.path:find "/wait" then require("neap").sleep(0.05) end
  end,
}, limits = { body_bytes = 100 },]]

local function start()
  local web = origin.start { handler = function(conn)
    return tostring(#(conn:read_body() or ""))
  end }
  return proxied.before({ web }, POLICY), web
end

local function post(n, path, body)
  return client.request(n.address, ("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s")
    :format(path, #body, body))
end

local function chunked(n, path, size)
  local piece = ("%x\r\n%s\r\n"):format(10, ("x"):rep(10))
  return client.request(n.address,
    ("POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"):format(path)
    .. piece:rep(size / 10) .. "0\r\n\r\n")
end

describe("request:limits", function()
  it("allows less than the service, more, or any number of bytes", function()
    local n, web = start()
    local function both(path, bytes)
      return { post(n, path, ("x"):rep(bytes)).status, chunked(n, path, bytes).status }
    end
    assert.same({ 200, 200 }, both("/", 100))
    assert.same({ 413, 413 }, both("/", 110))
    assert.same({ 200, 200 }, both("/50", 50))
    assert.same({ 413, 413 }, both("/50/wait", 60))
    assert.same({ 200, 200 }, both("/200/wait", 200))
    assert.same({ 413, 413 }, both("/200", 210))
    assert.same({ 200, 200 }, both("/any", 300000))
    assert.is_true(#web:requests() <= 10)
  end)

  it("says why, and asks no backend for what is announced as too long", function()
    local n, web = start()
    local response = post(n, "/5", "123456")
    assert.same({ 413, "request body too large" },
      { response.status, response.headers["x-neap-error"] })
    assert.equal(0, #web:requests())
  end)

  it("counts a body of HTTP/2 without a length", function()
    local n = start()
    local c = h2_client.connect(n.address)
    local function send(path, bytes)
      local id = c:request({ [":method"] = "POST", [":path"] = path }, { open = true })
      c:data(id, ("x"):rep(bytes - 10))
      c:data(id, ("x"):rep(10), { end_stream = true })
      return c:answer(id).status
    end
    assert.same({ 200, 413, 200, 413, 413 }, { send("/150", 150), send("/150", 151),
      send("/50/wait", 50), send("/50/wait", 60), send("/", 150) })
  end)
end)
