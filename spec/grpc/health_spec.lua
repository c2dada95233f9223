local h2_server = require "support.h2_server"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"

-- A server whose health service says that.
local function server(answer, options)
  options = options or {}
  options.handler = function(h2, stream)
    h2:whole(stream)
    return type(answer) == "function" and answer(stream) or answer
  end
  return h2_server.start(options)
end

local function saying(body, status, message)
  return { headers = { { "content-type", "application/grpc" } }, body = body,
    trailers = { { "grpc-status", tostring(status or 0) }, { "grpc-message", message or "" } } }
end

local SERVING = saying "\0\0\0\0\2\8\1"

local function start(web, more)
  return neap.start { allow = { "dead", "Unreachable" }, config = neap.config({ web },
    ('health = { type = "grpc", interval = 0.2, timeout = 5, %s }'):format(more or "")) }
end

local function found_dead(answer, why, more)
  local web = server(answer)
  local n = start(web, more)
  n:wait_log("checked dead.-" .. why)
  n:stop()
end

describe("health.type = \"grpc\"", function()
  it("asks the standard service, of the server or of one service", function()
    local web = server(SERVING)
    start(web):wait_log "checked ok"
    local asked = web:streams()[1]
    local fields = asked.fields
    assert.same({ "POST", "/grpc.health.v1.Health/Check", "http", "application/grpc", "trailers" },
      { fields[":method"], fields[":path"], fields[":scheme"], fields["content-type"], fields.te })
    assert.equal("\0\0\0\0\0", asked.body)
    web = server(SERVING)
    start(web, 'service = "shop.Cart", host = "shop.test"'):wait_log "checked ok"
    asked = web:streams()[1]
    assert.same({ "\0\0\0\0\11\10\9shop.Cart", "shop.test" },
      { asked.body, asked.fields[":authority"] })
  end)

  it("takes SERVING only for well, and says what else it is", function()
    found_dead(saying "\0\0\0\0\2\8\2", "the status is NOT_SERVING")
    found_dead(saying "\0\0\0\0\0", "the status of a%.B is UNKNOWN", 'service = "a.B"')
    found_dead(saying "\0\0\0\0\2\8\3", "the status is SERVICE_UNKNOWN")
    found_dead(saying "x", "no HealthCheckResponse")
  end)

  it("says what the call ended with", function()
    found_dead(saying("", 12), "UNIMPLEMENTED.*does not serve grpc%.health%.v1%.Health")
    found_dead(saying("", 5), "knows no service a%.B", 'service = "a.B"')
    found_dead(saying("", 14, "warming up"), "gRPC status 14 %(UNAVAILABLE%): warming up")
    found_dead({ status = 404 }, "status 404")
    found_dead({ headers = { { "content-type", "text/plain" } }, body = "hi" }, "no grpc%-status")
  end)

  it("reads a status in a head alone", function()
    found_dead({ headers = { { "grpc-status", "8" } } }, "gRPC status 8 %(RESOURCE_EXHAUSTED%)")
  end)

  it("survives servers that do not speak HTTP/2, or not long", function()
    local http1 = origin.start {
      connection = function(conn)
        conn:read_some()
        conn:send "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
        conn:wait(1)
      end,
    }
    start(http1):wait_log "checked dead.-does not speak HTTP/2"
    local mute = origin.start { connection = function(conn) conn:wait(30) end }
    start(mute, "timeout = 0.1"):wait_log "checked dead.-timed out after 0.1 s"
    local closing = origin.start { connection = function() end }
    start(closing):wait_log "checked dead"
    found_dead(saying(("y"):rep(20000)), "too large")
  end)

  it("speaks TLS to https backends, and asks for h2", function()
    local ca = pki.ca()
    local cert = ca:issue { names = { "localhost" } }
    local tls = { certificate = cert.chain_path, key = cert.key_path }
    local web = server(SERVING, { tls = tls })
    local n = neap.start { allow = { "dead" }, config = neap.config({}, ([[
      backends = { "https://localhost:%d" }, tls = { ca = "%s" },
      health = { type = "grpc", timeout = 5 }]]):format(web.port, ca.pem_path)) }
    n:wait_log "checked ok"
    assert.equal("https", web:streams()[1].fields[":scheme"])
  end)

  it("is a check for policies, too", function()
    local web = server(SERVING)
    local n = neap.start { config = neap.config({ web }, [[policy = {
      check = require("neap").check.grpc { service = "a.B", timeout = 5 } }]]) }
    n:wait_log "checked ok"
  end)
end)
