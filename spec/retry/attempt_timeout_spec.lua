local client = require "support.client"
local eventually = require "support.eventually"
local net = require "support.net"
local origin = require "support.origin"
local proxied = require "support.proxied"
local tcp = require "support.tcp"

local function policy(failed)
  return ([[policy = {
    failed = function(request, backend, failure) %s end,
    log = function(_, o) print(("END %%d %%d %%s"):format(o.status, o.attempts, o.reason)) end,
  },]]):format(failed)
end

local SAYS = [[print(("FAILED %s %s %s"):format(failure.stage, failure.kind, failure.message))
  return "retry"]]

local function silent() return origin.start { connection = function(conn) conn:wait(20) end } end

describe("timeouts.attempt", function()
  it("ends an attempt that has no answer yet; failed says what then", function()
    local n = proxied.before({ silent(), origin.start { name = "good" } },
      policy(SAYS) .. "timeouts = { attempt = 0.1 },")
    local began = eventually.now()
    assert.equal("good", n:get("/").body)
    assert.is_true(eventually.now() - began < 2 * eventually.slowness)
    n:wait_log "FAILED wait timeout no answer within the time of an attempt"
    n:wait_log "END 200 2 nil\n"
  end)

  it("is a 504 with the default policy: slow is not dead", function()
    local n = proxied.before({ silent() }, "timeouts = { attempt = 0.1 },")
    local response = n:get "/"
    assert.equal(504, response.status)
    assert.equal("the backend did not answer in time", response.headers["x-neap-error"])
    assert.equal(0, n:count_log "is dead")
  end)

  it("includes connecting", function()
    local n = proxied.before({ "http://" .. net.silent(), origin.start { name = "good" } },
      policy(SAYS) .. "timeouts = { attempt = 0.1 },")
    assert.equal("good", n:get("/").body)
    n:wait_log "FAILED connect timeout"
  end)

  it("begins anew with each attempt, and timeouts.request ends them all", function()
    local n = proxied.before({ silent(), silent(), silent(), silent() },
      policy(SAYS) .. "timeouts = { attempt = 0.4, request = 1 },")
    local response = n:get "/"
    assert.equal("the request's deadline is over", response.headers["x-neap-error"])
    assert.equal(504, response.status)
    local attempts = tonumber((n:wait_log "END 504 (%d) "))
    assert.is_true(attempts == 2 or attempts == 3, attempts) -- 3, unless the machine is busy
  end)

  it("does not end an answer that has begun", function()
    local n = proxied.start({ connection = function(conn)
      conn:read_until "\r\n\r\n"
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na"
      for _ = 1, 3 do
        conn:wait(0.1)
        conn:send "a"
      end
    end }, "timeouts = { attempt = 0.15 },")
    assert.equal("aaaa", n:get("/").body)
  end)

  it("does not blame the backend for a client that is slow with its body", function()
    local n = proxied.start({ name = "good" }, policy(SAYS) .. "timeouts = { attempt = 0.5 },")
    local c = client.connect(n.address)
    c:send "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na"
    eventually.always(function() return n:count_log "FAILED" == 0 end, 0.8)
    c:send "bc"
    assert.equal("good", c:read_response().body)
  end)

  it("is a pool's own, too", function()
    local web = silent()
    local n = require("support.neap").start {
      config = ([[return {
        services = { { listen = "127.0.0.1:0", pool = "p", timeouts = { attempt = 30 } } },
        pools = { p = { backends = { %q }, health = { type = "none" },
          timeouts = { attempt = 0.1 } } },
      }]]):format(web.url),
    }
    assert.equal(504, n:get("/").status)
  end)

  it("of a tcp service is until the backend is connected", function()
    local n = tcp.before({ net.silent(), origin.start { connection = tcp.named "b" } },
      policy(SAYS) .. "timeouts = { attempt = 0.1 },")
    local c = client.connect(n.address)
    assert.equal("b\n", c:receive_until "\n")
    n:wait_log "FAILED connect timeout"
    eventually.always(function()
      c:send "x"
      return c:receive(1) == "x"
    end, 0.2)
  end)
end)
