-- Answers of neap's own in words of a policy: the hook `error`, and neap.reply { file = … }.
local client = require "support.client"
local grpc = require "support.grpc_call"
local neap = require "support.neap"
local origin = require "support.origin"

describe("the hook error", function()
  local function start(policy, more, options)
    options = options or {}
    options.config = neap.config(options.backends or { 1 },
      'policy = "policy.lua", health = { type = "none" }, ' .. (more or ""))
    options.files = options.files or {}
    options.files["policy.lua"] = 'local neap = require "neap"; '
      .. 'local function NONE() return nil, "closed" end\n' .. policy
    return neap.start(options)
  end

  local ECHO = [[
    return { error = function(request, status, reason)
      return neap.reply {
        body = ("%d|%s|%s|%s|%s"):format(status, reason, request.method, request.path,
          tostring(request:header "x-key")),
      }
    end }]]

  it("answers in place of neap, with the error's status unless it says another", function()
    local n = start [[
      return { pick = NONE, error = function(request, status, reason)
        if request.path == "/plain" then return nil end
        return neap.reply { status = request.path == "/200" and 200 or nil,
          headers = { ["Retry-After"] = 7 }, body = status .. " " .. reason }
      end }]]
    local response = n:get()
    assert.same({ 503, "503 closed", "7" },
      { response.status, response.body, response.headers["retry-after"] })
    assert.equals("closed", response.headers["x-neap-error"])
    assert.equals(200, n:get("/200").status)
    assert.equals("Service Unavailable: closed\n", n:get("/plain").body)
  end)

  it("sees as much of a refused request as is known", function()
    local n = start(ECHO, "limits = { header_bytes = 512, uri_bytes = 100, body_bytes = 5 }")
    local function body(bytes) return client.request(n.address, bytes).body end
    local H = "Host: a\r\nX-Key: k\r\n"
    assert.equals("400|missing Host|GET|/a|nil", body "GET /a HTTP/1.1\r\nX-Key: k\r\n\r\n")
    assert.matches("^400|[^|]+|||nil$", body "GE(T / HTTP/1.1\r\n\r\n")
    assert.matches("^414|[^|]+|", body("GET /" .. ("x"):rep(200) .. " HTTP/1.1\r\n" .. H))
    assert.matches("^431|[^|]+|GET|/b|nil$",
      body("GET /b HTTP/1.1\r\n" .. H .. "A: " .. ("x"):rep(600) .. "\r\n\r\n"))
    assert.matches("^413|[^|]+|POST|/c|k$",
      body("POST /c HTTP/1.1\r\n" .. H .. "Content-Length: 6\r\n\r\n123456"))
    assert.matches("^417|", body("GET / HTTP/1.1\r\n" .. H .. "Expect: x\r\n\r\n"))
    assert.matches("^501|", body("POST / HTTP/1.1\r\n" .. H .. "Transfer-Encoding: gzip\r\n\r\n"))
    assert.matches("^505|", body("GET / HTTP/3.0\r\n" .. H .. "\r\n"))
    assert.matches("^405|", body("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"))
  end)

  it("that errs, or answers nonsense, is counted and leaves the page or neap's text", function()
    local n = start([[
      return { pick = NONE, error = function(request)
        if request.path == "/err" then error "my mistake" end
        if request.path == "/loop" then while true do end end
        if request.path == "/wait" then neap.sleep(1) end
        return 7
      end }]], 'errors = { [503] = "sorry.txt" }', { files = { ["sorry.txt"] = "sorry" } })
    n:allow "hook error"
    for _, path in ipairs { "/err", "/nonsense", "/loop", "/wait" } do
      assert.equals("sorry", n:get(path).body)
    end
    n:wait_log "hook error of service %S+: [^\n]*policy.lua:3: my mistake"
    n = start "return { pick = NONE, error = function() error 'no' end }"
    n:allow "hook error"
    for _ = 1, 7 do assert.matches("^Service Unavailable: ", n:get().body) end
    n:wait_log "hook error of service %S+ keeps failing"
  end)

  it("is asked while another hook of the request still waits", function()
    local n = start [[
      return {
        request = function() neap.sleep(4) end,
        error = function(_, status, reason)
          if reason:find "size" then error "oh" end
          return neap.reply { body = "at once " .. status }
        end,
      }]]
    n:allow "hook error"
    local head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ = 1, 3 do
      assert.equals("at once 400", client.request(n.address, head .. "5\r\nhelloXX").body)
      assert.equals(400, client.request(n.address, head .. "x\r\n").status)
    end
  end)

  it("is not asked for calls of gRPC, nor for what backends answer", function()
    local n = start "return { pick = NONE, error = function() return neap.reply { body = '' } end }"
    assert.same({ 14, "closed" }, { (function()
      local status, message = grpc.status(n)
      return status, message
    end)() })
    local web = origin.start { handler = function() return { status = 503, body = "its" } end }
    n = start("return { error = function() return neap.reply { body = 'x' } end }", "",
      { backends = { web } })
    assert.equals("its", n:get().body)
  end)

  it("is tried by neap -t", function()
    local code, text = neap.check(neap.config({ 1 }, 'policy = "policy.lua"'), {
      files = { ["policy.lua"] = "return { error = function(r) return r.x.y end }" },
    })
    assert.equals(1, code)
    assert.matches("policy: error of service '[^']+', on a made%-up request: ", text)
  end)

  it("is told in the log hook and the metrics by what the client got", function()
    local n = start([[
      return {
        pick = NONE,
        error = function() return neap.reply { status = 418, body = "tea" } end,
        log = function(_, o) neap.log.info("%d %s", o.status, o.reason) end,
      }]], 'admin = { listen = "127.0.0.1:0" }')
    n:get()
    n:wait_log " 418 closed"
    local text = require("support.admin").get(n, "/metrics").body
    assert.matches('neap_hook_calls_total{[^}]*hook="error"} 1\n', text)
  end)
end)
