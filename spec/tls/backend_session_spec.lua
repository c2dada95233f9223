-- TLS sessions with backends: when they are resumed no more.

local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local scope = require "support.scope"
local tls_io = require "support.tls_io"
local tls_nginx = require "support.tls_nginx"

local ca

setup(function() ca = pki.ca { name = "a CA of specs" } end)

local function config(server)
  return neap.config({ server.url }, ([[tls = { ca = %q }, keepalive = { connections = 0 },
    health = { type = "none" }, retry = { attempts = 1 },
    policy = { failed = function() return "fail" end } ]]):format(ca.pem_path))
end

local function server_with(certificate, protocols)
  return tls_nginx.start { certificate = certificate, protocols = protocols,
    tells = "[$ssl_session_reused]" }
end

describe("a session with a backend", function()
  it("is not resumed after a reload", function()
    local server = server_with(ca:issue { ips = { "127.0.0.1" } })
    local n = neap.start { config = config(server) }
    assert.equal("[.]", n:get("/").body)
    assert.equal("[r]", n:get("/").body)
    scope.write(n.dir .. "/config.lua", config(server) .. "\n")
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 20)
    assert.equal("[.]", n:get("/").body)
    assert.equal("[r]", n:get("/").body)
  end)

  -- Resumed while the certificate is good: on a slow machine its life must be longer.
  local function resumed(protocols, seconds)
    local certificate = ca:issue { ips = { "127.0.0.1" }, seconds = seconds }
    local n = neap.start { config = config(server_with(certificate, protocols)) }
    local first, second = n:get("/").body, n:get("/").body
    if os.time() >= certificate.not_after and seconds < 60 then
      return resumed(protocols, 3 * seconds)
    end
    assert.same({ "[.]", "[r]" }, { first, second })
    return n, certificate
  end

  it("ends with its certificate", function()
    for _, protocols in ipairs { "TLSv1.2", "TLSv1.3" } do
      local n, certificate = resumed(protocols, 4)
      eventually(function() return os.time() > certificate.not_after end, 80, "its end")
      assert.equal(502, n:get("/").status)
      n:wait_log "failed while connecting: the certificate expired on"
    end
  end)

  -- A server that shakes hands with its first client when the file `go` is there.
  local function late_server(certificate, dir)
    return origin.start {
      connection = function(conn)
        while conn.id == 1 and scope.read(dir .. "/go") == "" do conn:wait(0.02) end
        local ok = pcall(tls_io.server, conn, {
          certificate = certificate.pem_path, key = certificate.key_path,
        })
        if not ok then return end
        conn:read_request()
        conn:respond "here"
      end,
    }
  end

  local function discovering(server, dir)
    return neap.config({}, ([[tls = { ca = %q }, keepalive = { connections = 0 },
      health = { type = "none" }, retry = { attempts = 1 }, timeouts = { connect = 60 },
      discover = { interval = 0.1 }, policy = {
        discover = function()
          local file = assert(io.open(%q))
          local name = file:read "*a"
          file:close()
          return { { url = "https://127.0.0.1:%d", name = "one", server_name = name } }
        end,
        failed = function() return "fail" end,
      }, unsafe = true]]):format(ca.pem_path, dir .. "/name", server.port))
  end

  it("that comes late is not kept for who took the server's place", function()
    local dir = scope.directory()
    scope.write(dir .. "/go", "")
    scope.write(dir .. "/name", "a.test")
    local server = late_server(ca:issue { names = { "a.test" } }, dir)
    local n = neap.start { config = discovering(server, dir) }
    local first = client.connect(n.address)
    first:send "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    eventually(function() return server:connections() == 1 end, 20, "the first connection")
    scope.write(dir .. "/name", "b.test")
    eventually(function() return n:get("/").status == 502 end, 20, "the other name is asked for")
    scope.write(dir .. "/go", "now")
    assert.equal(200, first:read_response().status)
    for _ = 1, 3 do assert.equal(502, n:get("/").status) end
    n:wait_log "the certificate is for other names: a.test"
  end)
end)
