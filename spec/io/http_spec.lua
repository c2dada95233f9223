local eventually = require "support.eventually"
local hook_code = require "support.hook_code"
local net = require "support.net"
local origin = require "support.origin"

-- What neap.http says about a server that does this with each connection.
local function told(connection, options)
  local server = origin.start { connection = connection, allow_errors = true }
  local body, n = hook_code.run(("local a, why = neap.http.get(url, %s)\n"
    .. "return a and a.body or why"):format(options or "{ timeout = 2 }"), { url = server.url })
  eventually(function() return server:open_connections() == 0 end)
  return body, n
end

describe("neap.http", function()
  it("keeps connections for the next hook", function()
    local api = origin.start { handler = function(conn) return tostring(conn.served) end }
    local n = hook_code.start("return neap.http.get(url).body", { url = api.url },
      { config = ", workers = 1" })
    for i = 1, 5 do assert.equal(tostring(i), n:get("/").body) end
    assert.equal(1, api:connections())
  end)

  it("sends again over a fresh one when the kept one ended, what may be sent twice", function()
    local api = origin.start { handler = function(conn, request)
      if conn.served == 2 then return conn:reset() end
      return request.method .. conn.id
    end }
    local n = hook_code.start([[
      local method = request.path:sub(2)
      local a, why = neap.http.request { url = url, method = method, body = "x" }
      return a and a.body or why]], { url = api.url }, { config = ", workers = 1" })
    assert.equal("PUT1", n:get("/PUT").body)
    assert.equal("PUT2", n:get("/PUT").body)
    assert.matches("reset", n:get("/POST").body)
  end)

  it("does not keep one that the server closes, or that says more than asked", function()
    local api = origin.start { handler = function(conn, request)
      if request.target == "/close" then
        return { headers = { Connection = "close" }, body = tostring(conn.id) }
      end
      conn:send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" .. conn.id .. "HTTP/1.1 500 X\r\n")
    end }
    local n = hook_code.start([[
      local a = assert(neap.http.get(url .. request.path))
      return a.status .. a.body]], { url = api.url }, { config = ", workers = 1" })
    assert.equal("2001", n:get("/close").body)
    assert.equal("2002", n:get("/more").body)
    assert.equal("2003", n:get("/more").body)
  end)

  it("reads an answer's fields in any case, and follows no redirect", function()
    local api = origin.start { handler = function(conn)
      conn:send("HTTP/1.1 302 Found\r\nLocation: /b\r\nX-A: 1\r\nx-a: 2\r\n"
        .. "Content-Length: 0\r\n\r\n")
    end }
    assert.equal("302 /b 1, 2 nil", (hook_code.run([[
      local a = assert(neap.http.get(url))
      return table.concat({ a.status, a:header "LOCATION", a:header "x-A",
        tostring(a:header "no") }, " ")]], { url = api.url })))
  end)

  it("has one time for all of it, and one for connecting", function()
    local slow = origin.start { connection = function(conn)
      conn:read_until "\r\n\r\n"
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
      for _ = 1, 1000 do
        if not conn:send "x" then return end
        conn:wait(0.05)
      end
    end, allow_errors = true }
    assert.equal("timeout timeout", (hook_code.run([[
      local _, one = neap.http.get(slow, { timeout = 0.5 })
      local _, two = neap.http.get(silent, { timeout = 4, connect_timeout = 0.2 })
      return one .. " " .. two]], { slow = slow.url, silent = "http://" .. net.silent() })))
  end)

  it("says what is wrong with what it is asked for", function()
    local body = hook_code.run([[
      local told = {}
      for _, options in ipairs { { url = "x" }, { url = url, tiemout = 1 }, { url = url, body = 1 },
        { url = url, timeout = -1 }, { url = url, headers = { ["Content-Length"] = "5" } },
        { url = url, headers = { a = "b\nc" } }, { url = url, method = "get" } } do
        told[#told + 1] = select(2, pcall(neap.http.request, options))
      end
      told[#told + 1] = select(2, pcall(neap.http.request, 7))
      return table.concat(told, "\n")]], { url = "http://127.0.0.1:1/" })
    assert.equal(table.concat({
      "http: 'x' is not a URL like http://host:port/path",
      "http: unknown option 'tiemout'; did you mean 'timeout'?",
      "http: body must be a string, and this is 1",
      "http: timeout must be a number from 0 on, and this is -1",
      "http: the header 'Content-Length' is neap's own: it cannot be set",
      "http: 'a' is not a header",
      "http: method must be upper-case letters",
      "http: the options must be a table: { url =, … }",
    }, "\n"), (body:gsub("[^\n]-policy.lua:%d+: ", "")))
  end)

  it("is not harmed by servers", function()
    local head = "HTTP/1.1 200 OK\r\n"
    local function says(bytes)
      return function(conn)
        conn:read_until "\r\n\r\n"
        conn:send(bytes)
      end
    end
    local function endless(bytes, first)
      return function(conn)
        conn:read_until "\r\n\r\n"
        conn:send(first or head)
        while conn:send(bytes) do conn:wait(0) end
      end
    end
    assert.equal("closed", told(says ""))
    assert.equal("closed", told(says "HTTP/1.1 200"))
    assert.equal("closed", told(says(head .. "Content-Length: 5\r\n\r\nabc")))
    assert.equal("closed", told(says(head .. "Transfer-Encoding: chunked\r\n\r\n5\r\nabc")))
    assert.equal("the answer's body is malformed",
      told(says(head .. "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc")))
    assert.equal("the answer's body is too large",
      told(says(head .. "Content-Length: 9999999999\r\n\r\nabc" .. ("x"):rep(2 ^ 20))))
    assert.equal("the answer's body is too large",
      told(endless("\r\n" .. ("y"):rep(10000)), "{ max_bytes = 1000 }"))
    assert.matches("header", told(endless("X-A: " .. ("x"):rep(1000) .. "\r\n")))
    assert.matches("1xx", told(endless("HTTP/1.1 100 Continue\r\n\r\n", "")))
    assert.matches("malformed", told(says "SSH-2.0-OpenSSH_9.2\r\n"))
  end)
end)
