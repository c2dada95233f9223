local client = require "support.client"
local eventually = require "support.eventually"
local hello = require "support.client_hello"
local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"
local tcp = require "support.tcp"

local SAYS = [[sniff = "tls", policy = { request = function(r)
  require "neap".log.info("asks for %s by %s from %s", r.sni or "none",
    table.concat(r.alpn or { "no TLS" }, " "), r.ja4 or "none")
end }]]

local HELLO = hello.of { sni = "App.Example.", alpn = { "h2", "http/1.1" } }
local ASKS = "asks for app.example by h2 http/1.1 from t12d0302h2_"

describe("a tcp service with sniff", function()
  local function talk(n, bytes)
    local c = client.connect(n.address)
    c:send(bytes)
    return c:receive(#bytes), c
  end

  it("tells the hooks what a ClientHello says, and passes it on unchanged", function()
    local n = tcp.start(tcp.echo, SAYS)
    assert.equal(HELLO, (talk(n, HELLO)))
    assert.equal(1, n:count_log(ASKS))
  end)

  it("takes it in any number of segments and records", function()
    local n = tcp.start(tcp.echo, SAYS)
    local message = hello.message { sni = "app.example", alpn = { "h2", "http/1.1" } }
    for _, sizes in ipairs { { 1 }, { 3, 60, 1 } } do
      local bytes = hello.records(message, sizes)
      assert.equal(bytes, (talk(n, bytes)))
    end
    local c = client.connect(n.address)
    for byte in HELLO:gmatch "." do
      c:send(byte)
    end
    assert.equal(HELLO, c:receive(#HELLO))
    assert.equal(3, n:count_log(ASKS))
  end)

  it("takes one with 16 KiB of key shares, and what comes at once after it", function()
    local n = tcp.start(tcp.echo, SAYS)
    local large = hello.of { sni = "app.example", more = { { 51, ("k"):rep(16500) } } }
      .. proxied.pattern(200000)
    assert.is_true(large == talk(n, large))
    assert.equal(1, n:count_log "asks for app.example by  from")
  end)

  it("runs the hooks without it when the client speaks no TLS", function()
    local n = tcp.start(tcp.echo, SAYS)
    for _, bytes in ipairs { "GET / HTTP/1.1\r\n\r\n", "\0", "\128\46\1\3\1" } do
      assert.equal(bytes, (talk(n, bytes)))
    end
    assert.equal(3, n:count_log "asks for none by no TLS from none")
  end)

  it("loses nothing of a client that sends much at once", function()
    local n = tcp.start(tcp.echo, SAYS)
    for _ = 1, 3 do
      local much = "\0" .. proxied.pattern(400000)
      assert.is_true(much == talk(n, much))
    end
  end)

  it("closes what is too long, or no ClientHello; no backend hears of it", function()
    local n, web = tcp.start(tcp.echo, SAYS)
    local long = hello.message { more = { { 51, ("k"):rep(65000) }, { 52, ("k"):rep(1000) } } }
    for _, bytes in ipairs { hello.records(long, { 16384 }), hello.record "\2\0\0\0" } do
      local c = client.connect(n.address)
      c:try_send(bytes)
      assert.is_true(c:closed())
    end
    assert.equal(0, web:connections())
    assert.is_true(n:count_log "longer than 64 KiB" == 1)
  end)

  it("closes a client that does not finish it in time, or sends nothing", function()
    local n, web = tcp.start(tcp.echo, SAYS .. ", timeouts = { handshake = 0.2 }")
    for _, bytes in ipairs { "", HELLO:sub(1, 30) } do
      local c = client.connect(n.address)
      c:send(bytes)
      assert.is_true(c:closed())
    end
    local c = client.connect(n.address)
    c:send(HELLO:sub(1, 30))
    c:shutdown_write()
    assert.is_true(c:closed())
    assert.equal(0, web:connections())
    local ok = talk(n, HELLO)
    assert.equal(HELLO, ok)
  end)

  it("reads it after a PROXY header", function()
    local n = tcp.start(tcp.echo, SAYS .. ", proxy_protocol = true")
    local c = client.connect(n.address)
    c:send("PROXY TCP4 192.0.2.7 192.0.2.8 56324 443\r\n" .. HELLO)
    assert.equal(HELLO, c:receive(#HELLO))
    c = client.connect(n.address)
    c:send "PROXY TCP4 192.0.2.7 192.0.2.8 56324 443\r\n"
    eventually(function() return n:count_log(ASKS) == 1 end)
    c:send(HELLO)
    assert.equal(HELLO, c:receive(#HELLO))
    assert.equal(2, n:count_log(ASKS))
  end)

  it("chooses the backend by it", function()
    local web = { a = origin.start { connection = tcp.named "a" },
      b = origin.start { connection = tcp.named "b" } }
    local n = tcp.before({ web.a, web.b }, [[sniff = "tls", policy = { pick = function(r, pool)
      return pool[r.sni == "b.test" and 2 or 1]
    end }]])
    for name in pairs(web) do
      local c = client.connect(n.address)
      c:send(hello.of { sni = name .. ".test" })
      assert.equal(name .. "\n", c:receive_until "\n")
    end
  end)

  it("is refused in a service of mode http", function()
    local code, output = neap.check [[return { listen = ":1", sniff = "tls",
      backends = { "http://127.0.0.1:1" } }]]
    assert.equal(1, code)
    assert.matches("sniff.*mode = 'tcp'", output)
  end)

  it("is refused where TLS ends at every address", function()
    local code, output = neap.check [[return { listen = ":1", mode = "tcp", sniff = "tls",
      tls = { self_signed = true }, backends = { "tcp://127.0.0.1:1" } }]]
    assert.equal(1, code)
    assert.matches("sniff: TLS ends at every address", output)
  end)
end)
