local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"

local function start(policy, web, more)
  return neap.start {
    config = neap.config(web, ('policy = "policy.lua", health = { type = "none" } %s')
      :format(more or "")),
    files = { ["policy.lua"] = 'local neap = require "neap"\n' .. policy },
    allow = { "hook %a+ of service" },
  }
end

local function timed(fn)
  local began = eventually.now()
  local value = fn()
  return eventually.now() - began, value
end

describe("a waiting hook", function()
  local web

  before_each(function() web = origin.several(2) end)

  it("holds nobody else up", function()
    local n = start([[return { request = function(r)
      if r.path == "/slow" then neap.sleep(1) end
    end }]], web)
    local slow = client.connect(n.address)
    slow:send "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
    local took = timed(function() for _ = 1, 10 do n:get "/" end end)
    assert.is_true(took < 0.9 * eventually.slowness, took)
    assert.equal(200, slow:read_response().status)
  end)

  it("may be each of request, backends, pick and failed", function()
    local dead = net.refused()
    local n = start([[
      local function nap(r) r.ctx.naps = (r.ctx.naps or 0) + 1 neap.sleep(0.01) end
      return {
        request = function(r) nap(r) end,
        backends = function(r, pool) nap(r) return pool end,
        pick = function(r, pool) nap(r) return pool[1] end,
        failed = function(r) nap(r) return "retry" end,
        response = function(r, _, answer) answer:set_header("X-Naps", tostring(r.ctx.naps)) end,
      }]], { "http://" .. dead, web[1].url })
    local answer = n:get "/"
    assert.equal("web1", answer.body)
    assert.equal("5", answer.headers["x-naps"])
  end)

  it("sees its own request again, whatever came between", function()
    local n = start([[return { request = function(r)
      local path = r.path
      r.ctx.x = path
      neap.sleep(path == "/a" and 0.2 or 0.05)
      return neap.reply { body = path .. r.path .. r.ctx.x .. tostring(r:header "x-name") }
    end }]], web)
    local one, two = client.connect(n.address), client.connect(n.address)
    one:send "GET /a HTTP/1.1\r\nHost: a\r\nX-Name: one\r\n\r\n"
    two:send "GET /b HTTP/1.1\r\nHost: a\r\nX-Name: two\r\n\r\n"
    assert.equal("/b/b/btwo", two:read_response().body)
    assert.equal("/a/a/aone", one:read_response().body)
  end)

  it("talks to others: tcp", function()
    local echo = origin.start { connection = function(conn)
      conn:send("you said " .. conn:read_until "\n" .. "12345rest")
    end }
    local n = start(([[return { request = function()
      local conn = assert(neap.tcp.connect("127.0.0.1", %d, 1))
      assert(conn:send "hi\n")
      local line, five, rest = conn:receive(), conn:receive(5), conn:receive "*a"
      local more, why = conn:receive()
      return neap.reply { body = table.concat({ line, five, rest, tostring(more), why }, "|") }
    end }]]):format(echo.port), web)
    assert.equal("you said hi|12345|rest|nil|closed", n:get("/").body)
  end)

  it("talks to others: http", function()
    local api = origin.start { handler = function(conn, request)
      if request.target == "/plain" then return "plain" end
      conn:read_body()
      conn:send "HTTP/1.1 404 Not Found\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n"
      conn:send "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    end }
    local n = start(([[return { request = function()
      local a = assert(neap.http.get("%s/plain", { timeout = 1 }))
      local b = assert(neap.http.request { url = "%s/other", method = "POST", body = "x" })
      local parts = { a.status, a.body, b.status, b.headers["x-a"], b.body }
      return neap.reply { body = table.concat(parts, "|") }
    end }]]):format(api.url, api.url), web)
    assert.equal("200|plain|404|b|abcde", n:get("/").body)
    assert.equal("x", api:requests()[2].body)
  end)

  it("learns why a connection failed", function()
    local refused, silent = net.refused(), net.silent()
    local n = start(([[return { request = function()
      local _, one = neap.tcp.connect("%s", 1)
      local _, two = neap.tcp.connect("%s", 0.1)
      local _, three = neap.tcp.connect("no.such.name.invalid", 80, 1)
      return neap.reply { body = one .. "|" .. two .. "|" .. tostring(three ~= nil) }
    end }]]):format(refused, silent), web)
    assert.equal("connection refused|timeout|true", n:get("/").body)
  end)

  it("resolves names", function()
    local n = start([[return { request = function()
      return neap.reply { body = table.concat(assert(neap.dns.resolve "localhost"), " ") }
    end }]], web)
    assert.matches("127%.0%.0%.1", n:get("/").body)
  end)

  it("ends after five seconds, and the default decides #slow", function()
    local n = start("return { pick = function() neap.sleep(60) end }", web)
    local c = client.connect(n.address, { timeout = 10 })
    local took, answer = timed(function() return c:request("GET", "/") end)
    assert.equal("web1", answer.body)
    assert.is_true(took > 4.5 and took < 5 + 2 * eventually.slowness, took)
    n:wait_log "hook pick of service .*did not answer in time"
  end)

  it("ends with timeouts.request", function()
    local n = start("return { pick = function() neap.sleep(60) end }", web,
      ", timeouts = { request = 0.5 }")
    local took, answer = timed(function() return n:get "/" end)
    assert.is_true(answer.status == 504 or answer.status == 200, answer.status)
    assert.is_true(took < 2 * eventually.slowness, took)
  end)

  it("ends when the client leaves, with its connections", function()
    local deaf = origin.start { connection = function(conn) conn:closed(30) end }
    local n = start(([[return { request = function(r)
      local conn = assert(neap.tcp.connect("127.0.0.1", %d, 1))
      neap.log.info "CONNECTED"
      conn:receive()
      neap.log.info "NEVER"
    end }]]):format(deaf.port), web)
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    n:wait_log "CONNECTED"
    eventually(function() return deaf:open_connections() == 1 end)
    c:reset()
    eventually(function() return deaf:open_connections() == 0 end, 3)
    assert.equal(0, n:count_log "NEVER")
  end)
end)
