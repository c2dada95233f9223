-- The client and the origin, each tried against the other.
local client = require "support.client"
local eventually = require "support.eventually"
local net = require "support.net"
local origin = require "support.origin"

describe("client and origin", function()
  it("answers with its name, over one connection, and records it", function()
    local o = origin.start { name = "web1" }
    local c = client.connect(o.port)
    for _ = 1, 3 do
      local response = c:request("GET", "/a?b", { "X-One: 1", "x-two: 2" })
      assert.equals(200, response.status)
      assert.equals("web1", response.body)
      assert.equals("4", response.headers["content-length"])
    end
    local requests = o:requests()
    assert.equals(3, #requests)
    assert.equals(1, o:connections())
    assert.equals("/a?b", requests[2].target)
    assert.equals("1", requests[2].headers["x-one"])
    assert.same({ name = "X-One", value = "1" }, requests[2].headers[1])
  end)

  it("speaks IPv6 and unix sockets", function()
    local six = origin.start { name = "six", address = "[::1]:0" }
    assert.equals("six", client.get(six.address).body)
    local path = require("support.scope").directory() .. "/socket"
    local unix = origin.start { name = "unix", address = "unix:" .. path }
    assert.equals("unix", client.get(unix.url).body)
  end)

  it("carries bodies both ways, with lengths and chunks", function()
    local big = ("x"):rep(300000)
    local o = origin.start {
      handler = function(conn)
        local body, trailers = conn:read_body()
        conn:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        conn:send(("%x\r\n%s\r\n0\r\nX-End: %s\r\n\r\n"):format(#body, body,
          trailers and trailers["x-sum"] or "none"))
      end,
    }
    local response = client.connect(o.port):request("POST", "/", nil, big)
    assert.equals(#big, #response.body)
    assert.equals("none", response.trailers["x-end"])
    response = client.request(o.port, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
      .. "\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n")
    assert.equals("abc", response.body)
    assert.equals("9", response.trailers["x-end"])
    assert.equals(300000, o:requests()[1].length)
    assert.equals("abc", o:requests()[2].body)
    assert.is_true(o:requests()[2].complete)
  end)

  it("shows interim responses and the end by close", function()
    local o = origin.start {
      handler = function(conn)
        conn:continue()
        conn:send "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\npart"
        conn:wait(0.01)
        conn:send "ial"
        conn:close()
      end,
    }
    local response = client.get(o.port)
    assert.equals("partial", response.body)
    assert.is_true(response.until_close)
    assert.equals(2, #response.interim)
    assert.equals("</a>", response.interim[2].headers.link)
  end)

  it("tells a truncated body, a reset and a close apart", function()
    local o = origin.start {
      handler = function(conn, request)
        if request.target == "/reset" then return conn:reset() end
        if request.target == "/close" then return conn:close() end
        conn:send "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"
        conn:close()
      end,
    }
    local response = client.get(o.port, "/short")
    assert.is_true(response.truncated)
    assert.equals("short", response.body)
    assert.equals("reset", (select(2, client.get(o.port, "/reset"))))
    assert.equals("closed", (select(2, client.get(o.port, "/close"))))
  end)

  it("reads the answer to HEAD without a body, and pipelined answers in turn", function()
    local o = origin.start { name = "web" }
    local c = client.connect(o.port)
    c:send "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert.equals("", c:read_response({ head = true }).body)
    assert.equals("web", c:read_response().body)
  end)

  it("serves hundreds of connections at once", function()
    local o = origin.start {
      handler = function(conn)
        conn:wait(0.2)
        return conn.name
      end,
    }
    local list = {}
    for index = 1, 300 do
      list[index] = client.connect(o.port)
      list[index]:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    end
    for _, c in ipairs(list) do assert.equals(200, c:read_response().status) end
    assert.equals(300, o:connections())
    for _, c in ipairs(list) do c:close() end
    eventually(function() return o:open_connections() == 0 end)
  end)

  it("gives raw connections to a handler of the spec", function()
    local o = origin.start {
      connection = function(conn)
        conn:send "hello "
        conn:send(conn:read_until "\n")
        conn:close()
      end,
    }
    local c = client.connect(o.port)
    c:send "you\n"
    assert.equals("hello you\n", c:receive_all())
    assert.is_true(c:closed(1))
  end)

  it("can be killed, started again on its port, paused and resumed", function()
    local o = origin.start { name = "web" }
    assert.equals("web", client.get(o.port).body)
    o:kill()
    assert.has_error(function() client.connect(o.port) end)
    o:start_again()
    o:pause()
    local c = client.connect(o.port)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert.is_false(c:closed(0.1))
    o:resume()
    assert.equals("web", c:read_response().body)
    assert.equals(2, #o:requests())
  end)

  it("raises on time-out, and has addresses that refuse and that never answer", function()
    local o = origin.start { connection = function(conn) conn:wait(60) end }
    local c = client.connect(o.port, { timeout = 0.05 })
    assert.has_error(function() c:read_response() end)
    assert.equals("refused", (select(2, net.connect((net.refused())))))
    assert.equals("timeout", (select(2, net.connect(net.silent(), 0.1))))
  end)

  it("lists what went wrong in a handler", function()
    local o = origin.start { allow_errors = true, handler = function() error "mine" end }
    assert.equals("closed", (select(2, client.get(o.port))))
    assert.matches("mine", o:errors()[1])
  end)
end)
