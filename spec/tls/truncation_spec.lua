local eventually = require "support.eventually"
local https = require "support.https"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local tcp = require "support.tcp"

describe("a request's body", function()
  it("that is cut off without close_notify is not taken as whole", function()
    local n, web = https.start { allow_errors = true, handler = function(conn)
      conn:read_body()
      return "never"
    end }
    local c = https.sending(n, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome")
    eventually(function() return web:open_connections() == 1 end)
    c:kill_group "KILL"
    eventually(function() return web:open_connections() == 0 end)
    for _, request in ipairs(web:requests()) do assert.is_falsy(request.complete) end
  end)
end)

describe("an answer that ends with its connection", function()
  -- → did close_notify come, did the body
  local function read_with_openssl(n)
    local _, out, err = process.run {
      argv = { "openssl", "s_client", "-connect", "127.0.0.1:" .. n.port, "-ign_eof", "-msg" },
      stdin = "GET / HTTP/1.0\r\n\r\n", limit = 30,
    }
    local has_notify = (out .. err):find "<<< [^\n]*Alert[^\n]*close_notify" ~= nil
    return has_notify, out:find "hello" ~= nil
  end

  local function start(ending)
    return https.start {
      connection = function(conn)
        conn:read_request()
        conn:send "HTTP/1.1 200 OK\r\n\r\nhello"
        if ending == "reset" then
          conn:wait(0.1)
          conn:reset()
        end
      end,
    }
  end

  it("ends with close_notify when it is whole", function()
    local has_notify, has_body = read_with_openssl(start "end")
    assert.is_true(has_body)
    assert.is_true(has_notify)
  end)

  it("ends without when it was cut", function()
    assert.is_false((read_with_openssl(start "reset")))
  end)
end)

describe("a tcp service with TLS", function()
  local function start(connection)
    local o = origin.start { connection = connection, allow_errors = true }
    local config = tcp.config({ o }, 'tls = { certificate = "cert.pem", key = "key.pem" },')
    return neap.start { config = config, files = https.files() }, o
  end

  -- The bytes until the end, or what came instead of an end.
  local function tell_end(path)
    return function(conn)
      local bytes = conn:read_until "!"
      local more, why = conn:read_some()
      local file = assert(io.open(path, "w"))
      file:write(tostring(bytes), " ", tostring(more or why))
      file:close()
    end
  end

  local function told(path)
    local file = io.open(path)
    local text = file and file:read "*a" or ""
    if file then file:close() end
    return text
  end

  it("passes on bytes both ways", function()
    local n = start(tcp.echo)
    local c = https.sending(n, "hello\n")
    eventually(function() return c:stdout():find "hello" end)
    c:kill_group "KILL"
  end)

  it("passes on close_notify as an end", function()
    local path = os.tmpname()
    local n = start(tell_end(path))
    process.run {
      argv = { "sh", "-c", ("printf 'bye!' | openssl s_client -connect 127.0.0.1:%d -no_ign_eof")
        :format(n.port) },
      limit = 30,
    }
    eventually(function() return told(path) == "bye! closed" end)
    os.remove(path)
  end)

  it("passes on a cut as a break, not as an end", function()
    local path = os.tmpname()
    local n, o = start(tell_end(path))
    local c = https.sending(n, "bye!")
    eventually(function() return o:open_connections() == 1 end)
    eventually(function() return n:log() ~= "" end)
    c:kill_group "KILL"
    eventually(function() return told(path) == "bye! reset" end)
    n:wait_log "info service %S+ a connection to tcp://%S+ broke off after 0 bytes to the client: "
    assert.equals(0, n:count_log " warn .*broke off")
    os.remove(path)
  end)

  it("passes on the backend's end as close_notify", function()
    local n = start(function(conn)
      conn:send "hello"
      conn:finish()
      conn:read_all()
    end)
    local _, out, err = process.run {
      argv = { "openssl", "s_client", "-connect", "127.0.0.1:" .. n.port, "-ign_eof", "-msg" },
      stdin = "x", limit = 30,
    }
    assert.is_truthy(out:find "hello")
    assert.is_truthy((out .. err):find "<<< [^\n]*Alert[^\n]*close_notify")
  end)
end)
