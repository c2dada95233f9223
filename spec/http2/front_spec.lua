-- HTTP/2 from clients to backends of HTTP/1.1: what goes through, and in which form.
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local function echo(conn) return (conn:read_body()) end

local function connect(n, options) return h2_client.connect(n.address, options) end

describe("HTTP/2 of a client", function()
  it("is served in the clear, by its first bytes, beside HTTP/1", function()
    local n, web = proxied.start(function() return "hello" end)
    local c = connect(n)
    local answer = c:get("/a?b", { { "x-one", "1" } })
    assert.equal(200, answer.status)
    assert.equal("hello", answer.body)
    assert.equal("5", answer.headers["content-length"])
    assert.is_nil(answer.headers.connection)
    local request = web:requests()[1]
    assert.same({ "GET", "/a?b", "HTTP/1.1", "a.test", "1" },
      { request.method, request.target, request.version, request.headers.host,
        request.headers["x-one"] })
    assert.equal("http", request.headers["x-forwarded-proto"])
    assert.equal("a.test", request.headers["x-forwarded-host"])
    assert.equal(200, n:get("/").status)
  end)

  it("is served whatever the pieces in which its first bytes come", function()
    local n = proxied.start(function() return "hello" end)
    local c = connect(n, { begins = false })
    for byte in (frames.PREFACE .. frames.settings {}):gmatch "." do c:send(byte) end
    assert.equal(200, c:get("/").status)
  end)

  it("is agreed on by ALPN over TLS, and HTTP/1.1 with who has only that", function()
    local cert = pki.self_signed { names = { "a.test" } }
    local web = origin.start {}
    local n = proxied.before({ web },
      ("tls = { certificate = %q, key = %q }"):format(cert.pem_path, cert.key_path))
    local c = connect(n, { tls = true, alpn = { "h2", "http/1.1" } })
    assert.equal("h2", c.tls.alpn)
    assert.equal(200, c:get("/").status)
    assert.equal("https", web:requests()[1].headers["x-forwarded-proto"])
    for _, option in ipairs { "--http2", "--http1.1" } do
      local code, out = process.run {
        argv = { "curl", "-sSk", option, "-o", "/dev/null", "-w", "%{http_code} %{http_version}",
          "https://" .. n.address }, limit = 30 }
      assert.equal(0, code)
      assert.equal(option == "--http2" and "200 2" or "200 1.1", out)
    end
  end)

  it("is refused where the service does not want it", function()
    local n = proxied.start(function() return "hello" end, "http2 = false")
    local c = connect(n, { begins = false })
    c:send(frames.PREFACE)
    assert.matches("^HTTP/1.1 505 ", c.socket:receive_until "\r\n")
  end)

  it("has many requests at a time on a connection", function()
    local n = proxied.start(function(conn, request)
      if request.target == "/slow" then conn:wait(1) end
      return request.target
    end)
    local c, ids = connect(n), {}
    ids[0] = c:request { [":path"] = "/slow" }
    for index = 1, 50 do ids[index] = c:request { [":path"] = "/" .. index } end
    for index = 50, 1, -1 do assert.equal("/" .. index, c:answer(ids[index]).body) end
    assert.is_nil(c:stream(ids[0]).ended)
    assert.equal("/slow", c:answer(ids[0]).body)
  end)

  it("tells hooks and log its version", function()
    local n, web = proxied.start(function() return "hello" end, [[
      access_log = { target = "access.log", format = "json" },
      policy = { request = function(request)
        request:set_header("x-version", request.version)
      end }]])
    assert.equal(200, connect(n):get("/").status)
    assert.equal("2", web:requests()[1].headers["x-version"])
    eventually(function()
      return scope.read(n.dir .. "/access.log"):find('"version":"2"', 1, true)
    end)
  end)
end)

describe("A body", function()
  it("with a length goes both ways whole", function()
    local n, web = proxied.start(echo)
    local c = connect(n)
    for _, size in ipairs { 0, 1, 16383, 65535, 65536, 65537, 1000000 } do
      local body = proxied.pattern(size)
      local id = c:request({ [":method"] = "PUT", { "content-length", tostring(size) } },
        { body = body })
      local answer = c:answer(id)
      assert.equal(tostring(size), answer.headers["content-length"])
      assert.is_true(answer.body == body)
    end
    local last = web:requests()[7]
    assert.equal("1000000", last.headers["content-length"])
    assert.is_nil(last.headers["transfer-encoding"])
  end)

  it("has a window that grows as the backend takes it, up to its limit", function()
    local n = proxied.start(function(conn)
      conn:read_body(function() end)
      return "taken"
    end, "limits = { stream_window = 200000 }")
    local c = connect(n)
    local id = c:request({ [":method"] = "POST" }, { open = true })
    c:send_body(id, proxied.pattern(2000000), { end_stream = false })
    c:wait(function() return c:stream(id).window > 65535 end)
    assert.is_true(c:stream(id).window <= 200000)
    c:data(id, "", { end_stream = true })
    assert.equal("taken", c:answer(id).body)
  end)

  it("without one goes to the backend in chunks, with its trailers", function()
    local n, web = proxied.start(echo)
    local c = connect(n)
    for _, size in ipairs { 0, 10, 300000 } do
      local body = proxied.pattern(size)
      local id = c:request({ [":method"] = "POST" },
        { body = body, trailers = { { "x-sum", tostring(size) } } })
      assert.is_true(c:answer(id).body == body)
    end
    for index, request in ipairs(web:requests()) do
      assert.equal("chunked", request.headers["transfer-encoding"])
      assert.equal(({ "0", "10", "300000" })[index], request.trailers["x-sum"])
    end
  end)

  it("in chunks comes without them, its trailers after it", function()
    local n = proxied.start {
      connection = function(conn)
        while conn:read_request() do
          conn:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            .. proxied.chunked({ "hello", " ", "world" }, "X-Sum: 11\r\n"))
        end
      end,
    }
    local answer = connect(n):get "/"
    assert.equal("hello world", answer.body)
    assert.is_nil(answer.headers["transfer-encoding"])
    assert.equal("11", answer.trailers["x-sum"])
  end)
end)

describe("An answer", function()
  it("without a body ends with its head", function()
    local n = proxied.start(function(_, request)
      return { status = tonumber(request.target:match "%d+"), headers = {}, body = "" }
    end)
    local c = connect(n)
    for _, status in ipairs { 204, 304 } do
      local answer = c:get("/" .. status)
      assert.equal(status, answer.status)
      assert.equal("", answer.body)
    end
    local id = c:request { [":method"] = "HEAD", [":path"] = "/200" }
    assert.equal("", c:answer(id).body)
  end)

  it("may have others before it", function()
    local n = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
          .. "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      end,
    }
    local answer = connect(n):get "/"
    assert.equal("103", answer.interim[1][":status"])
    assert.equal("</a.css>", answer.interim[1].link)
    assert.equal("ok", answer.body)
  end)

  it("that is cut ends with RST_STREAM, and nothing else does", function()
    local n = proxied.start {
      connection = function(conn)
        local request = conn:read_request()
        conn:send "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
        conn:send(request.target == "/cut" and "half" or "0123456789")
      end,
    }
    local c = connect(n)
    local id = c:request { [":path"] = "/cut" }
    assert.equal("INTERNAL_ERROR", c:answer(id).reset)
    assert.equal("0123456789", c:get("/").body)
  end)

  it("of neap's own is one, too", function()
    local n = neap.start { config = proxied.config { 1 } }
    local answer = connect(n):get "/"
    assert.equal(502, answer.status)
    assert.matches("no backend", answer.headers["x-neap-error"])
  end)
end)
