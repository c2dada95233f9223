-- neap.http over HTTP/2: many requests of a worker share one connection.
local client = require "support.client"
local eventually = require "support.eventually"
local h2_server = require "support.h2_server"
local hook_code = require "support.hook_code"
local origin = require "support.origin"
local frames = require "support.h2_frames"
local pki = require "support.pki"
local scope = require "support.scope"
local tls_nginx = require "support.tls_nginx"

local ca
setup(function() ca = pki.ca { name = "a CA of specs" } end)

local function of_server()
  local own, folder = ca:issue { ips = { "127.0.0.1" } }, scope.directory()
  scope.write(folder .. "/own.pem", own.pem)
  scope.write(folder .. "/own.key", own.key)
  return { certificate = folder .. "/own.pem", key = folder .. "/own.key" }
end

local ONE = { config = ", workers = 1" }

local function send_many(n, count, path)
  local clients = {}
  for i = 1, count do
    clients[i] = client.connect(n.address)
    clients[i]:send(("GET %s HTTP/1.1\r\nHost: a\r\n\r\n"):format(path or "/a"))
  end
  return clients
end

local ASK = [[
  local a, why = neap.http.request { url = url .. request.path, http2 = true, method = method,
    body = body, timeout = timeout, max_bytes = 100000 }
  return a and a.status .. " " .. a.body or why]]

local function GET(server)
  return { url = server.url, method = "GET", body = "", timeout = 4.5 }
end

-- What a request over h2c says of a server that does this.
local function told(server, values)
  local all = GET(server)
  for name, value in pairs(values or {}) do all[name] = value end
  return (hook_code.run(ASK, all, ONE))
end

describe("neap.http over HTTP/2", function()
  it("shares one connection, found by ALPN", function()
    local server = h2_server.start { tls = of_server(), handler = function(h2)
      h2.conn:wait(0.05)
      return "hello"
    end }
    local n = hook_code.start([[
      local a, why = neap.http.get(url, { tls = { ca = ca } })
      return a and a.body or why]], { url = server.url, ca = ca.pem }, ONE)
    for _, c in ipairs(send_many(n, 30)) do assert.equal("hello", c:read_response().body) end
    assert.equal("hello", n:get("/").body)
    assert.is_true(server:connections() <= 3) -- who waited for 2 s makes one of its own
    assert.equal(31, #server:streams())
  end)

  it("is what nginx understands", function()
    local server = tls_nginx.start { certificate = ca:issue { ips = { "127.0.0.1" } },
      listen = "http2", tells = "$server_protocol $request_method $connection_requests" }
    local n = hook_code.start([[
      local a, why = neap.http.request { url = url, method = "POST", body = ("x"):rep(100000),
        tls = { ca = ca } }
      return a and a.body or why]], { url = server.url, ca = ca.pem }, ONE)
    for i = 1, 3 do assert.equal("HTTP/2.0 POST " .. i, n:get("/").body) end
  end)

  it("goes on over HTTP/1.1 where that is all there is, unless it must not", function()
    local server = tls_nginx.start { certificate = ca:issue { ips = { "127.0.0.1" } },
      tells = "$server_protocol $connection_requests" }
    local n = hook_code.start([[
      local must = nil
      if request.path == "/must" then must = true end
      local a, why = neap.http.get(url, { http2 = must, tls = { ca = ca } })
      return a and a.body or why]], { url = server.url, ca = ca.pem }, ONE)
    for i = 1, 3 do assert.equal("HTTP/1.1 " .. i, n:get("/").body) end
    assert.matches("ALPN", n:get("/must").body)
  end)

  it("sends bodies of any size, and reads answers of any size, in pieces too", function()
    local server = h2_server.start { handler = function(h2, stream)
      local body = h2:whole(stream)
      return stream.fields[":method"] .. #body .. ("y"):rep(#body)
    end }
    local n = hook_code.start([[
      local options = { url = url, http2 = true, method = "POST", body = ("x"):rep(300000),
        stream = request.path == "/stream" }
      local a = assert(neap.http.request(options))
      local body = a.body
      if not body then
        local parts = {}
        for piece in a:chunks() do parts[#parts + 1] = piece end
        body = assert(not a.failure and table.concat(parts), a.failure)
      end
      return body:sub(1, 10) .. #body]], { url = server.url }, ONE)
    assert.equal("POST300000300010", n:get("/").body)
    assert.equal("POST300000300010", n:get("/stream").body)
    assert.equal(1, server:connections())
  end)

  it("asks another connection after GOAWAY, and again for what was refused", function()
    local server = h2_server.start { handler = function(h2, stream)
      if stream.fields[":path"] == "/refused" and h2.conn.id % 2 == 1 then
        return h2:send(frames.reset(stream.id, 7))
      end
      h2:send(frames.goaway(stream.id, 0))
      return "c"
    end }
    assert.equal("200 c", told(server))
    local n = hook_code.start(ASK, GET(server), ONE)
    for _ = 1, 3 do assert.equal("200 c", n:get("/").body) end
    assert.equal(4, server:connections())
  end)

  it("tells of a stream that is reset, of silence, and of an end", function()
    local function served(fn) return h2_server.start { handler = fn, allow_errors = true } end
    assert.equal("the server reset the stream", told(served(function(h2, stream)
      h2:send(frames.reset(stream.id, 2))
    end)))
    assert.equal("timeout", told(served(function(h2) h2.conn:wait(20) end), { timeout = 0.3 }))
    assert.equal("connection reset by peer", told(served(function(h2) h2.conn:reset() end)))
    assert.matches("HTTP/2", told(origin.start { allow_errors = true, connection = function(conn)
      conn:send "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
      conn:read_all()
    end }))
  end)

  it("ends the stream, and not the connection, when the hook's client leaves", function()
    local server = h2_server.start { handler = function(h2, stream)
      if stream.fields[":path"] == "/slow" then
        h2.conn:wait(0.5)
        return "late"
      end
      return "fast"
    end }
    local n = hook_code.start(ASK, GET(server), ONE)
    assert.equal("200 fast", n:get("/a").body)
    local clients = send_many(n, 3, "/slow")
    eventually(function() return #server:streams() >= 2 end)
    clients[1]:reset()
    assert.equal("200 late", clients[3]:read_response().body)
    assert.equal("200 fast", n:get("/a").body)
    assert.equal(1, server:connections())
  end)

  it("bounds an answer, its body and its header", function()
    local large = h2_server.start { handler = function() return ("x"):rep(200000) end,
      allow_errors = true }
    assert.equal("the answer's body is too large", told(large))
    local many = h2_server.start { allow_errors = true, handler = function(h2, stream)
      local fields = { { ":status", "103" } }
      for i = 2, 13 do fields[i] = { "x-" .. i, ("y"):rep(1000) } end
      for _ = 1, 10 do h2:head(stream.id, fields) end
      return "x"
    end }
    assert.equal("the answer's header is too large", told(many))
  end)

  it("takes nothing that could be read in two ways", function()
    local OK = { ":status", "200" }
    local cases = {
      { "^200 abc$", { OK, { "content-length", "3" } }, "abc" },
      { "longer than its content", { OK, { "content-length", "2" } }, "abc" },
      { "shorter than its content", { OK, { "content-length", "5" } }, "abc" },
      { "101", { { ":status", "101" } }, "" },
      { "PROTOCOL_ERROR", nil, "abc" },
    }
    for _, fields in ipairs { { OK, { "a", "b\r\nc: d" } }, { OK, { "a\r\nb", "c" } },
      { OK, { "transfer-encoding", "chunked" } }, { OK, { "connection", "close" } },
      { OK, { "A", "b" } }, { { "a", "b" } }, { OK, OK }, { { ":status", "20" } },
      { OK, { "content-length", "1" }, { "content-length", "2" } }, { OK, { ":a", "b" } } } do
      table.insert(cases, { "^%l", fields })
    end
    local server = h2_server.start { allow_errors = true, handler = function(h2, stream)
      local case = cases[tonumber(stream.fields[":path"]:match "%d+")]
      if case[2] then h2:head(stream.id, case[2], { end_stream = not case[3] }) end
      if case[3] then h2:send_body(stream.id, case[3], { end_stream = true }) end
    end }
    local n = hook_code.start(ASK, GET(server), ONE)
    for i, case in ipairs(cases) do
      local said = n:get("/" .. i).body
      assert.matches(case[1], said)
      assert.is_nil(said:find("timeout", 1, true), i .. said)
    end
  end)
end)
