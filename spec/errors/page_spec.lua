-- Answers of neap's own in words of the config: `errors`.
local client = require "support.client"
local grpc = require "support.grpc_call"
local neap = require "support.neap"
local origin = require "support.origin"

describe("errors in the config", function()
  local CLOSED = 'policy = { pick = function() return nil, "closed" end }, '
    .. 'health = { type = "none" }'

  local function start(errors, more, options)
    options = options or {}
    options.config = neap.config(options.backends or { 1 },
      ("errors = %s, %s"):format(errors, more or CLOSED))
    options.files = options.files or {
      ["sorry.html"] = "<h1>Sorry</h1>", ["pages/oops.txt"] = "oops\n",
    }
    return neap.start(options)
  end

  it("names files that are the answers of neap's own", function()
    local n = start '{ [503] = "sorry.html", ["4xx"] = "pages/oops.txt" }'
    local response = n:get()
    assert.same({ 503, "<h1>Sorry</h1>", "text/html; charset=utf-8", "14" }, { response.status,
      response.body, response.headers["content-type"], response.headers["content-length"] })
    assert.equals("closed", response.headers["x-neap-error"])
    local refused = client.request(n.address, "GET / HTTP/1.1\r\n\r\n")
    assert.same({ 400, "oops\n", "text/plain; charset=utf-8", "close" }, { refused.status,
      refused.body, refused.headers["content-type"], refused.headers.connection })
  end)

  it("takes the status before the class, and leaves other statuses alone", function()
    local n = start('{ [503] = "sorry.html", ["5xx"] = "pages/oops.txt", expose = false }',
      'policy = { pick = function(r, pool) if r.path == "/no" then return nil end '
        .. 'return pool[1] end }, limits = { uri_bytes = 64 }, health = { type = "none" }')
    local closed = n:get "/no"
    assert.same({ 503, "<h1>Sorry</h1>" }, { closed.status, closed.body })
    assert.is_nil(closed.headers["x-neap-error"])
    local failed = n:get "/other"
    assert.same({ 502, "oops\n" }, { failed.status, failed.body })
    assert.equals("URI Too Long\n", n:get("/" .. ("x"):rep(80)).body)
  end)

  it("are for HEAD a head, and go on with the connection", function()
    local n = start '{ [503] = "sorry.html" }'
    local c = client.connect(n.address)
    c:send "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    local response = c:read_response { head = true }
    assert.same({ 503, "14" }, { response.status, response.headers["content-length"] })
    assert.equals("<h1>Sorry</h1>", c:request("GET", "/").body)
  end)

  it("may be large, for a client that reads slowly, too", function()
    local page = ("0123456789abcdef"):rep(65536)
    local n = start('{ ["5xx"] = "large.bin" }', nil, { files = { ["large.bin"] = page } })
    local c = client.connect(n.address)
    c:send(("GET / HTTP/1.1\r\nHost: a\r\n\r\n"):rep(3))
    for _ = 1, 3 do
      local response = c:read_response()
      assert.equals("application/octet-stream", response.headers["content-type"])
      assert.is_true(response.body == page)
    end
  end)

  it("do not touch gRPC calls, nor answers of backends and policies", function()
    local web = origin.start { handler = function() return { status = 502, body = "its" } end }
    local n = start('{ [502] = "sorry.html", [503] = "sorry.html" }', [[policy = {
      request = function(r)
        if r.path == "/closed" then
          return require "neap".reply { status = 503, body = "closed" }
        end
      end }]], { backends = { web } })
    assert.equals("its", n:get().body)
    assert.equals("closed", n:get("/closed").body)
    local status, message = grpc.status(start '{ ["5xx"] = "sorry.html" }')
    assert.same({ 14, "closed" }, { status, message })
  end)

  it("are read with a reload only", function()
    local n = start '{ [503] = "sorry.html" }'
    require("support.scope").write(n.dir .. "/sorry.html", "new")
    assert.equals("<h1>Sorry</h1>", n:get().body)
    n:signal "HUP"
    n:wait_log "generation 2 [^\n]*serves"
    assert.equals("new", n:get().body)
  end)

  it("that are wrong are told by neap -t", function()
    local function told(errors, files)
      local code, text = neap.check(neap.config({ 1 }, "errors = " .. errors),
        { files = files or {} })
      assert.equals(1, code)
      return text
    end
    assert.matches('errors%[503%]: [^\n]*gone.html', told '{ [503] = "gone.html" }')
    assert.matches('errors%["4xx"%]: [^\n]*big.html: it has 1048577 bytes',
      told('{ ["4xx"] = "big.html" }', { ["big.html"] = ("x"):rep(2^20 + 1) }))
    assert.matches("errors%[200%]: 200 is not a status %(expected one from 400 to 599%)",
      told '{ [200] = "a.html" }')
    assert.matches("errors%[503%]: 7 is not a path", told "{ [503] = 7 }")
    assert.matches('errors%["3xx"%]: unknown key', told '{ ["3xx"] = "a.html" }')
    assert.matches("this goes only with mode = 'http'", told '{ [503] = "a.html" }, mode = "tcp"')
  end)
end)
