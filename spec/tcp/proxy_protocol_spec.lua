local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local proxied = require "support.proxied"
local scope = require "support.scope"
local tcp = require "support.tcp"

local SIGNATURE = "\r\n\r\n\0\r\nQUIT\n"
local V1 = "PROXY TCP4 192.0.2.7 192.0.2.2 56324 443\r\n"
local V2 = SIGNATURE .. "\33\17\0\12\192\0\2\9\192\0\2\2\220\4\1\187"

-- Answers with the header line, then echoes.
local function told(conn)
  conn:send("<" .. conn:read_until "\n" .. ">")
  tcp.echo(conn)
end

local function told_v2(conn)
  conn:send(conn:read(28))
  tcp.echo(conn)
end

local function port_bytes(port) return string.char(math.floor(port / 256), port % 256) end

describe("send_proxy", function()
  it("= 1 tells the backend the client's and our address before any byte", function()
    local n = tcp.start(told, "send_proxy = 1")
    local c = client.connect(n.address)
    c:send "hello"
    local line = c:receive_until ">hello"
    local port = line:match("^<PROXY TCP4 127%.0%.0%.1 127%.0%.0%.1 (%d+) " .. n.port .. "\r\n>")
    assert.is_truthy(port, line)
  end)

  it("does so although the client says nothing", function()
    local n = tcp.start(told, "send_proxy = 1")
    assert.matches("^<PROXY TCP4 ", client.connect(n.address):receive_until ">")
  end)

  it("= 2 does so in binary", function()
    local n = tcp.start(told_v2, [[send_proxy = 2, policy = { request = function(r)
      require "neap".log.info("port %d", r.client_port)
    end }]])
    local c = client.connect(n.address)
    c:send "hello"
    local header = c:receive(33)
    local port = tonumber(n:wait_log "port (%d+)")
    local expected = SIGNATURE .. "\33\17\0\12\127\0\0\1\127\0\0\1" .. port_bytes(port)
    assert.equal(expected .. port_bytes(n.port) .. "hello", header)
  end)

  it("says UNKNOWN of clients on a unix socket", function()
    local dir = scope.directory()
    tcp.start(told, ('send_proxy = 1, listen = "unix:%s/s"'):format(dir))
    local c = client.connect("unix:" .. dir .. "/s")
    assert.equal("<PROXY UNKNOWN\r\n>", c:receive_until "\n" .. c:receive(1))
  end)

  it("writes it to each backend that is tried", function()
    local o = origin.start { connection = told }
    local n = tcp.before({ (net.refused()), o }, "send_proxy = 1")
    for _ = 1, 2 do
      local c = client.connect(n.address)
      c:send "x"
      assert.matches("^<PROXY TCP4 [^>]+>x$", c:receive_until ">x")
    end
  end)

  it("passes on what proxy_protocol was told, across the versions", function()
    local n = tcp.start(told, "send_proxy = 1, proxy_protocol = true")
    local c = client.connect(n.address)
    c:send(V2 .. "hello")
    assert.matches("^<PROXY TCP4 192.0.2.9 127.0.0.1 56324 %d+\r\n>hello$",
      c:receive_until ">hello")
    c = client.connect(n.address)
    c:send "PROXY TCP6 2001:db8::5 ::1 1 2\r\n"
    assert.matches("^<PROXY TCP6 2001:db8::5 ::ffff:127.0.0.1 1 %d+\r\n>", c:receive_until ">")
  end)

  it("of http pools makes a connection serve one request", function()
    local o = origin.start {
      connection = function(conn)
        local line = conn:read_until "\r\n"
        conn:read_until "\r\n\r\n"
        conn:send("HTTP/1.1 200 OK\r\nContent-Length: " .. #line .. "\r\n\r\n" .. line)
        conn:read_all()
      end,
    }
    local n = proxied.before({ o }, "send_proxy = 1")
    local c = client.connect(n.address)
    for count = 1, 3 do
      assert.matches("^PROXY TCP4 127.0.0.1 ", c:request("GET", "/").body)
      assert.equal(count, o:connections())
    end
    eventually(function() return o:open_connections() == 0 end)
  end)

  it("may be said for each backend", function()
    local function start(name)
      return origin.start {
        name = name,
        connection = function(conn)
          conn:send(conn:read_until "\n" .. name .. "\n")
          conn:closed(5)
        end,
      }
    end
    local one, two, three = start "one", start "two", start "three"
    local n = neap.start { config = ([[return {
      listen = "127.0.0.1:0", workers = 1, mode = "tcp", send_proxy = 1,
      health = { type = "none" },
      backends = {
        "tcp://%s", { url = "tcp://%s", send_proxy = 2 }, { url = "tcp://%s", send_proxy = false },
      },
    }]]):format(one.address, two.address, three.address) }
    local function talk()
      local c = client.connect(n.address)
      c:send "hello\n"
      return c:receive_until "\n", c
    end
    assert.matches("^PROXY TCP4 127.0.0.1 127.0.0.1 ", talk())
    assert.equal("\r\n", talk())
    assert.equal("hello\n", talk())
  end)
end)

describe("proxy_protocol of a tcp service", function()
  local POLICY = [[proxy_protocol = true, policy = { request = function(r)
    require "neap".log.info("from %s %d", r.client_ip, r.client_port)
  end }]]

  it("takes the header and nothing more, wherever the bytes are cut", function()
    local n = tcp.start(tcp.echo, POLICY)
    for _, header in ipairs { V1, V2 } do
      local c = client.connect(n.address)
      c:send(header .. "all at once")
      assert.equal("all at once", c:receive(11))
      c = client.connect(n.address)
      for byte in (header .. "abc"):gmatch "." do c:send(byte) end
      assert.equal("abc", c:receive(3))
    end
    assert.equal(2, n:count_log "from 192.0.2.7 56324")
    assert.equal(2, n:count_log "from 192.0.2.9 56324")
  end)

  it("keeps what comes behind it in volume", function()
    local n = tcp.start(tcp.echo, POLICY)
    local c = client.connect(n.address)
    local block = proxied.pattern(200000)
    c:send(V1 .. block)
    assert.is_true(c:receive(#block) == block)
  end)

  it("lets the server speak first behind it", function()
    local n = tcp.start(tcp.named "220", POLICY)
    local c = client.connect(n.address)
    c:send(V1)
    assert.equal("220\n", c:receive_until "\n")
  end)

  it("resets what begins with anything else; no backend hears of it", function()
    local n, web = tcp.start(tcp.echo, POLICY)
    for _, bytes in ipairs { "GET / HTTP/1.1\r\n", "\22\3\1", "PROXY TCP4 1 1 1 1\r\n" } do
      local c = client.connect(n.address)
      c:send(bytes)
      local _, why = c:receive_all()
      assert.equal("reset", why)
    end
    assert.equal(0, web:connections())
  end)

  it("waits for it as long as client_header", function()
    local n, web = tcp.start(tcp.echo, POLICY .. ", timeouts = { client_header = 0.2 }")
    local c = client.connect(n.address)
    c:send(V1:sub(1, 20))
    assert.is_true(c:closed())
    assert.equal(0, web:connections())
  end)
end)
