-- tcp checks that say something and look at the answer; elsewhere than traffic goes; PROXY headers.
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local nginx = require "support.nginx"
local origin = require "support.origin"
local redis = require "support.redis"
local tcp = require "support.tcp"

local LOCAL = "\r\n\r\n\0\r\nQUIT\n\32\0\0\0"

describe("a check", function()
  local function escaped(text) return (text:gsub("%p", "%%%0")) end

  local function start(backends, health, more)
    local config = tcp.config(backends, more)
    local from, to = config:find('{ type = "none" }', 1, true)
    return neap.start { config = config:sub(1, from - 1) .. health .. config:sub(to + 1) }
  end

  it("asks Redis with PING and expects its PONG", function()
    local server = redis.start()
    local n = start({ server.port },
      [[{ send = "PING\r\n", expect = "+PONG", interval = 0.2, timeout = 0.5 }]])
    n:wait_log "tcp://%S+ checked ok by healthcheck"
    local c = client.connect(server.address)
    c:send "CONFIG SET requirepass secret\r\n"
    assert.equal("+OK\r\n", c:receive(5))
    n:wait_log("Unhealthy " .. escaped(server.address)
      .. ", error:expected '%+PONG', got '%-NOAUTH [^\n]*\\x0d\\x0a'")
    n:wait_log(" up → down%): Unhealthy %S+, error:expected '%+PONG', got '%-NOAUTH")
    c:send "CONFIG SET requirepass \"\"\r\n"
    n:wait_log " down → up%)"
  end)

  it("looks at what the server says first, piece by piece", function()
    local o = origin.start {
      connection = function(conn)
        for byte in ("220 mail.test ESMTP ready\r\n"):gmatch "." do conn:send(byte) end
        conn:closed(5)
      end,
    }
    local n = start({ o }, [[{ expect = { pattern = "^220 %S+ ESMTP" } }]])
    n:wait_log "checked ok by healthcheck"
    n:stop()
    n = start({ o }, [[{ expect = { pattern = "^220 %S+ SMTP" }, timeout = 0.5 }]])
    n:wait_log "error:expected the pattern '%^220 %%S%+ SMTP', got '220 mail%.test ESMTP"
  end)

  it("finds a text that comes in pieces, behind NULs", function()
    local o = origin.start {
      connection = function(conn)
        for byte in ("\0\0\0\0+PO\0+PONG\r\n"):gmatch "." do conn:send(byte) end
        conn:closed(5)
      end,
    }
    local n = start({ o }, [[{ expect = "\0+PONG" }]])
    n:wait_log "checked ok by healthcheck"
    n:stop()
    n = start({ o }, [[{ expect = "\0+PING", timeout = 0.5 }]])
    n:wait_log "error:expected '\\x00%+PING', got '\\x00.*%+PO\\x00%+PONG"
  end)

  it("is not content with silence, with nothing, or with too much", function()
    local silent = origin.start { connection = function(conn) conn:closed(5) end }
    local short = origin.start { connection = function(conn) conn:close() end }
    local endless = origin.start {
      connection = function(conn) repeat until not conn:send(("x"):rep(65536)) end,
      allow_errors = true,
    }
    local n = start({ silent, short, endless }, [[{ expect = "ok", timeout = 0.5 }]])
    n:wait_log("Unhealthy " .. escaped(silent.address) .. ", error:timed out after 0%.5 s")
    n:wait_log("Unhealthy " .. escaped(short.address) .. ", error:it closed the connection")
    n:wait_log("Unhealthy " .. escaped(endless.address) .. ", error:expected 'ok', got 'xxx")
  end)

  it("may go to another port, and each backend's to a place of its own", function()
    local traffic, status = origin.several(2), origin.start { name = "status" }
    local refused = net.refused()
    local config = neap.config({}, ([[
      backends = { "%s", { url = "%s", health = { address = "127.0.0.1", port = %s } } },
      health = { type = "http", path = "/state", port = %d, recheck = 0.2, interval = 0.2 }]])
      :format(traffic[1].url, traffic[2].url, refused:match "%d+$", status.port))
    local n = neap.start { config = config }
    n:wait_log(escaped(traffic[1].url) .. " checked ok by healthcheck")
    n:wait_log(escaped(traffic[2].url) .. " checked dead by healthcheck")
    assert.equals("/state", status:requests()[1].target)
    assert.equals(0, traffic[1]:connections() + traffic[2]:connections())
    for _ = 1, 3 do assert.equals("web1", n:get().body) end
  end)

  it("begins with a PROXY header where traffic does", function()
    local web = nginx.start {
      listen = "proxy_protocol", content = 'location / { return 200 "$proxy_protocol_addr"; }',
    }
    local n = neap.start {
      config = neap.config({ web.url }, 'send_proxy = 2, health = { type = "http" }'),
    }
    n:wait_log "checked ok by healthcheck"
    assert.equals("127.0.0.1", n:get().body)
  end)

  it("begins with the PROXY header that it is told to, or none", function()
    local seen = origin.start { connection = function(conn) conn:send(conn:read_some() or "") end }
    local function expects(bytes, more)
      local health = ("{ expect = %q, timeout = 2, %s }"):format(bytes, more)
      local n = start({ seen }, health, "send_proxy = 1")
      n:wait_log "checked ok by healthcheck"
      n:stop()
    end
    expects("PROXY UNKNOWN\r\n", "")
    expects(LOCAL, "send_proxy = 2")
    expects("hello", 'send_proxy = false, send = "hello"')
    expects("hello", ('send = "hello", port = %d'):format(seen.port))
  end)

  it("may be called by a policy's own, and goes where the backend's settings say", function()
    local traffic, status = origin.start {}, origin.start { name = "status" }
    local n = neap.start { config = neap.config({}, ([[
      backends = { { url = "%s", health = { port = %d } } },
      policy = { check = function(backend)
        local is_well = require("neap").check.http { path = "/well" }
        return is_well(backend)
      end }]]):format(traffic.url, status.port)) }
    n:wait_log "checked ok by healthcheck"
    assert.equals("/well", status:requests()[1].target)
    assert.equals(0, traffic:connections())
  end)

  it("comes ready made, with the same options", function()
    local server = redis.start()
    local n = start({ server.port }, "{}", [[policy = { check =
      require("neap").check.tcp { send = "PING\r\n", expect = { pattern = "^%+PONG\r\n$" } } }]])
    n:wait_log "checked ok by healthcheck"
    n:stop()
    local code, out = neap.check(tcp.config({ server.port },
      'policy = { check = require("neap").check.tcp { interval = 5 } }'))
    assert.equals(1, code)
    assert.matches("neap%.check%.tcp%.interval: unknown key", out)
  end)

  it("of several says which one failed", function()
    local web = origin.start {
      name = "web",
      handler = function(_, request)
        if request.target ~= "/ready" then return "web" end
        return { status = 503, body = "" }
      end,
    }
    local n = neap.start {
      config = neap.config({ web },
        'health = { { type = "tcp" }, { type = "http", path = "/ready" } }'),
    }
    n:wait_log(escaped(web.url) .. " checked ok by healthcheck %(tcp%)")
    n:wait_log("Unhealthy " .. escaped(web.address) .. ", error:http /ready: status 503")
    eventually(function() return n:get().status == 503 end)
    n:wait_log "%(pool %S+: unknown → down%): Unhealthy %S+, error:http /ready: status 503"
  end)
end)
