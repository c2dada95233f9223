local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

describe("the http check", function()
  local function escaped(url) return (url:gsub("%p", "%%%0")) end

  -- An origin whose health page answers that; what else is asked gets its name.
  local function start_origin(answer)
    return origin.start {
      name = "web1",
      handler = function(_, request)
        return request.target:find "^/base/health" and answer or "web1"
      end,
    }
  end

  local function start(o, health)
    return neap.start {
      config = neap.config({ o.url .. "/base" },
        ('health = { type = "http", path = "/health?full", interval = 0.3, %s }'):format(health)),
    }
  end

  it("asks as the settings say", function()
    local o = start_origin "fine"
    local n = start(o, 'method = "OPTIONS", host = "check.test"')
    n:wait_log(escaped(o.url) .. "/base checked ok by healthcheck")
    local request = o:requests()[1]
    assert.equals("OPTIONS", request.method)
    assert.equals("/base/health?full", request.target)
    assert.equals("check.test", request.headers.host)
  end)

  it("names the backend as Host if nothing is said", function()
    local o = start_origin "fine"
    local n = start(o, "")
    n:wait_log "checked ok"
    assert.equals("GET", o:requests()[1].method)
    assert.equals(o.address, o:requests()[1].headers.host)
  end)

  it("does not listen to a backend that says \"go on\" without end", function()
    local o = origin.start { connection = function(conn)
      conn:read_request()
      while conn:send(("HTTP/1.1 100 Continue\r\n\r\n"):rep(1000)) do conn:wait(0) end
    end }
    local n = start(o, "")
    n:wait_log("Unhealthy " .. escaped(o.address) .. ", error:too many 1xx answers")
  end)

  it("judges by the status", function()
    local o = start_origin { status = 503, body = "" }
    local n = start(o, "")
    n:wait_log("Unhealthy " .. escaped(o.address) .. ", error:status 503")
    n:wait_log(escaped(o.url) .. "/base checked dead by healthcheck")
    assert.equals(503, n:get().status)
    n:stop()
    n = start(o, 'status = { 200, "500-503" }')
    n:wait_log "checked ok"
    assert.equals("web1", n:get("/x").body)
  end)

  it("judges by the body", function()
    local o = start_origin "all is well (100%)"
    local n = start(o, 'body = "well (100%)"')
    n:wait_log "checked ok"
    n:stop()
    n = start(o, 'body = "very well"')
    n:wait_log "error:the body does not contain"
    eventually(function() return n:get().status == 503 end)
  end)

  it("judges by header fields and patterns, and sends fields of its own", function()
    local o = origin.start {
      handler = function(_, request)
        local who = request.headers.authorization or "nobody"
        return { headers = { ["X-State"] = "ok; load=7" }, body = "hello " .. who }
      end,
    }
    local function check(more)
      local n = start(o, 'headers = { Authorization = "Basic eA==", ["user-agent"] = "me" }, '
        .. more)
      local found = n:wait_log "([^\n]* checked %S+ by healthcheck)"
      local line = found:find " ok " and found or n:wait_log "(Unhealthy [^\n]*)"
      n:stop()
      return line
    end
    assert.matches("checked ok", check [[body = { pattern = "^hello Basic eA=+$" },
      expect_headers = { ["X-State"] = { pattern = "load=[0-7]$" }, ["Content-Length"] = true }]])
    assert.equals("me", o:requests()[1].headers["user-agent"])
    assert.matches("error:the header x%-state does not contain 'fine'",
      check [[expect_headers = { ["X-State"] = "fine" }]])
    assert.matches("error:the answer has no header x%-other",
      check [[expect_headers = { ["X-Other"] = true }]])
    assert.matches("error:the body does not contain the pattern 'hullo'",
      check [[body = { pattern = "hullo" }]])
  end)

  it("reads no more than it needs, and never all of an endless body", function()
    local o = origin.start {
      handler = function(conn)
        conn:send("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" .. ("x"):rep(60000)
          .. "here" .. ("x"):rep(60000))
        conn:closed(10)
      end,
    }
    local n = start(o, "timeout = 2")
    n:wait_log "checked ok"
    n:stop()
    n = start(o, 'timeout = 2, body = "here"')
    n:wait_log "checked ok"
    n:stop()
    n = start(o, 'timeout = 2, body = "there"')
    n:wait_log "error:the body does not contain"
  end)

  it("is not content with a connection, or with what is not HTTP", function()
    local o = origin.start { connection = function(conn) conn:send "SSH-2.0-x\r\n" end }
    local n = start(o, "")
    n:wait_log "checked dead by healthcheck"
  end)
end)
