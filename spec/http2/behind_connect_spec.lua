-- Connections to backends of HTTP/2: by ALPN or from the first byte on, how long they are kept, and
-- which are trusted.
local behind = require "support.behind"
local client = require "support.client"
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_server = require "support.h2_server"
local net = require "support.net"
local nghttpd = require "support.nghttpd"
local nginx = require "support.nginx"
local origin = require "support.origin"
local pki = require "support.pki"
local proxied = require "support.proxied"
local scope = require "support.scope"

local OVER_TLS = "tls = { verify = false }, "
local POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"

local function secure(options)
  local cert = pki.self_signed { names = { "localhost" }, ips = { "127.0.0.1" } }
  options = options or {}
  options.tls = { certificate = cert.chain_path, key = cert.key_path }
  return options
end

-- Longer than a connection is trusted without a question.
local function fall_silent(o)
  eventually.always(function() return o:open_connections() == 1 end, 1.5, "it is kept")
end

describe("http2 = true", function()
  it("is agreed on by ALPN over TLS", function()
    local n, o = behind.start(secure(), OVER_TLS)
    assert.equal("origin", n:get("/").body)
    assert.equal("https", behind.stream(o).fields[":scheme"])
    assert.equal(200, client.request(n.address, POST).status)
    assert.equal(1, o:connections())
  end)

  it("is a failure where TLS gives HTTP/1.1", function()
    local n, o = behind.start(secure { alpn = { "http/1.1" }, allow_errors = true }, OVER_TLS)
    assert.equal(502, n:get("/").status)
    assert.equal(0, #o:streams())
    n:wait_log "failed while connecting: the backend does not offer HTTP/2 %(ALPN%), as its pool"
  end)

  it("is a failure where the backend speaks HTTP/1", function()
    local o = origin.start { allow_errors = true }
    local n = behind.before { o }
    assert.equal(502, client.request(n.address, POST).status)
    n:wait_log "failed while connecting: the backend does not speak HTTP/2"
  end)

  it("is a failure where nobody listens", function()
    local n = behind.before { "http://" .. net.refused() }
    assert.equal(502, n:get("/").status)
    n:wait_log "refused"
  end)

  it("is a failure where no SETTINGS come", function()
    local n = behind.start({ allow_errors = true, connection = function(h2)
      h2.conn:wait(5)
    end }, "timeouts = { connect = 0.5 }")
    local answer = client.request(n.address, POST)
    assert.is_true(answer.status == 504 or answer.status == 502, answer.status)
    n:wait_log "failed while connecting"
  end)

  it("goes to the other backends when one does not speak it", function()
    local o = h2_server.start()
    local n = behind.before({ origin.start { allow_errors = true }, o })
    for _ = 1, 4 do assert.equal("origin", client.request(n.address, POST).body) end
  end)

  it("has no upgrades", function()
    local n, o = behind.start()
    local c = client.connect(n.address)
    local answer = c:request("GET", "/", { Connection = "upgrade", Upgrade = "websocket" })
    assert.equal(502, answer.status)
    assert.equal(0, #o:streams())
  end)

  it("blames no backend for an upgrade", function()
    local one, two = h2_server.start(), h2_server.start()
    local n = behind.before { one, two }
    for _ = 1, 5 do
      local answer = client.get(n.address, "/", { Connection = "upgrade", Upgrade = "x" })
      assert.equal(502, answer.status)
      assert.matches("an upgrade cannot go to a backend over HTTP/2", answer.body)
    end
    assert.equal("origin", n:get("/").body)
    assert.equal(0, n:count_log "is dead")
    assert.equal(0, n:count_log "failed while")
  end)

  it("tells a client that waits for a 100 to go on", function()
    local n, o = behind.start(function(h2, stream) return h2:whole(stream) end)
    local c = client.connect(n.address)
    c:send "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    assert.equal("HTTP/1.1 100 Continue\r\n\r\n", c:receive_until "\r\n\r\n")
    c:send "hello"
    assert.equal("hello", c:read_response().body)
    assert.is_nil(behind.stream(o).fields.expect)
  end)

  it("serves nginx's files, of all sizes at a time", function()
    local dir = scope.directory()
    for _, size in ipairs { 0, 1, 1000, 70000, 1000000 } do
      scope.write(dir .. "/" .. size, proxied.pattern(size))
    end
    local s = nginx.start { listen = "http2", root = dir }
    local n = behind.before { s }
    local clients = {}
    for i, size in ipairs { 1000000, 0, 70000, 1, 1000, 1000000, 70000 } do
      clients[i] = { c = client.connect(n.address), size = size }
      clients[i].c:send("GET /" .. size .. " HTTP/1.1\r\nHost: a\r\n\r\n")
    end
    for _, one in ipairs(clients) do
      assert.is_true(one.c:read_response().body == proxied.pattern(one.size), one.size)
    end
  end)

  it("serves nghttpd's files, over both", function()
    for _, tls in ipairs { false, true } do
      local text = ("0123456789"):rep(100000)
      local s = nghttpd.start { files = { ["index.html"] = "hello", big = text }, tls = tls }
      local n = behind.before({ s }, tls and OVER_TLS or nil)
      assert.equal("hello", n:get("/").body)
      assert.is_true(n:get("/big").body == text)
      assert.equal(404, n:get("/nothing").status)
    end
  end)
end)

describe('http2 = "auto"', function()
  it("is HTTP/2 where ALPN gives it", function()
    local n, o = behind.start(secure(), OVER_TLS .. 'http2 = "auto"')
    assert.equal("origin", n:get("/").body)
    assert.equal(200, client.request(n.address, POST).status)
    assert.equal(2, #(eventually(function() return #o:streams() == 2 and o:streams() end)))
    assert.equal(1, o:connections())
  end)

  it("is HTTP/1.1 in the clear", function()
    local o = origin.start()
    local n = behind.before({ o }, 'http2 = "auto"')
    assert.equal("origin", n:get("/").body)
    assert.equal("HTTP/1.1", o:requests()[1].version)
  end)

  it("is HTTP/1.1 where ALPN gives nothing else, on connections as always", function()
    local n, o = behind.start(secure {
      alpn = { "http/1.1" },
      connection = function(h2)
        while true do
          local head = ""
          while not head:find "\r\n\r\n$" do
            local byte = h2.io:read(1)
            if not byte then return end
            head = head .. byte
          end
          local body = h2.conn.id .. " " .. head:match "HTTP/%d%.%d"
          h2.io:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body))
        end
      end,
    }, OVER_TLS .. 'http2 = "auto"')
    for _ = 1, 3 do assert.equal("1 HTTP/1.1", n:get("/").body) end
    assert.equal(1, o:connections())
  end)
end)

describe("a connection to a backend of HTTP/2", function()
  it("serves as many requests as keepalive.requests says", function()
    local n, o = behind.start(function(h2) return tostring(h2.conn.id) end,
      "keepalive = { requests = 2 }")
    local got = {}
    for i = 1, 5 do got[i] = n:get("/").body end
    assert.same({ "1", "1", "2", "2", "3" }, got)
    eventually(function() return o:open_connections() == 1 end)
  end)

  it("is closed when it was idle for keepalive.idle", function()
    local n, o = behind.start({}, "keepalive = { idle = 0.3 }")
    assert.equal(200, n:get("/").status)
    eventually(function() return o:open_connections() == 0 end)
    assert.equal(200, n:get("/").status)
    assert.equal(2, o:connections())
  end)

  it("is not kept where keepalive.connections is 0", function()
    local n, o = behind.start({}, "keepalive = { connections = 0 }")
    assert.equal(200, n:get("/").status)
    eventually(function() return o:open_connections() == 0 end)
  end)

  it("that was silent is asked before it is trusted", function()
    local n, o = behind.start {
      connection = function(h2)
        h2:begin()
        h2.io:read(#frames.PREFACE)
        while true do
          local stream = h2:accept()
          if not stream then return end
          h2:respond(stream, { body = table.concat(h2.seen, ", ") })
        end
      end,
    }
    assert.is_nil(n:get("/").body:find "PING")
    fall_silent(o)
    assert.matches("PING 0.*HEADERS 3", n:get("/").body)
    assert.equal(1, o:connections())
  end)

  it("that is dead is replaced, also for a POST", function()
    local n, o = behind.start {
      is_manual = true,
      connection = function(h2)
        h2:begin()
        h2.io:read(#frames.PREFACE)
        local stream = h2:accept()
        while stream do
          h2:respond(stream, { body = tostring(h2.conn.id) })
          if h2.conn.id == 1 then
            h2.conn:wait(60)
            return
          end
          stream = h2:accept()
        end
      end,
    }
    assert.equal("1", n:get("/").body)
    fall_silent(o)
    assert.equal("2", client.request(n.address, POST).body)
    assert.equal(2, o:connections())
  end)
end)
