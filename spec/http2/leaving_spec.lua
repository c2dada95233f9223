-- How a connection of HTTP/2 ends where nobody is at fault: GOAWAY twice (RFC 9113 §6.8), so that
-- what its client sent before it heard of it is served.
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local hpack = require "support.hpack"
local pki = require "support.pki"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local ALL = 2 ^ 31 - 1

local function start(more)
  return proxied.start(function(conn, request)
    conn:read_body()
    return request.target
  end, more)
end

local function connect(n) return h2_client.connect(n.port, { timeout = 15 }) end

local function begun(c)
  local id = c:request({ [":method"] = "POST" }, { open = true })
  assert.is_true(c:ping())
  return id
end

local function announced(c)
  assert.is_truthy(c:wait(function() return c.goaway end))
  assert.equal(ALL, c.goaway.last)
  assert.equal("NO_ERROR", c.goaway.code)
end

local function ends_with(c, last)
  assert.is_true(c:closed())
  assert.equal("NO_ERROR", c.goaway.code)
  assert.equal(last, c.goaway.last)
end

describe("A reload", function()
  local function reload(n)
    local before = n:count_log "reloaded"
    n:signal "HUP"
    eventually(function() return n:count_log "reloaded" > before end, 15)
  end

  it("tells connections, lets their streams end, and serves what was on its way", function()
    local n = start()
    local c = connect(n)
    c.is_manual = true -- the PING that follows the first GOAWAY is not answered yet
    local first = c:request({ [":method"] = "POST" }, { open = true })
    c:wait(function() return c.settings_acked > 0 end)
    n:signal "HUP"
    announced(c)
    -- Sent before the first GOAWAY was heard of.
    local second = c:request { [":path"] = "/second" }
    assert.equal("/second", c:answer(second).body)
    c:data(first, "rest", { end_stream = true })
    assert.equal(200, c:answer(first).status)
    c.is_manual = false
    ends_with(c, second)
  end)

  it("ends connections without streams, and the next ones are the new generation's", function()
    local n = start()
    local c = connect(n)
    assert.equal(200, c:get("/").status)
    reload(n)
    ends_with(c, 1)
    assert.equal(200, connect(n):get("/").status)
  end)

  it("at full rate loses nothing", function()
    local n = start()
    local dir = scope.directory()
    local pids = {}
    for worker = 1, 3 do
      pids[worker] = process.fork(function()
        local c, served, ended = connect(n), 0, eventually.now() + 6
        -- A connection on which GOAWAY came gets no further streams.
        while eventually.now() < ended do
          if c.goaway then
            c:close()
            c = connect(n)
          end
          local ids = {}
          for i = 1, 8 do ids[i] = c:request { [":path"] = "/" .. i } end
          for i = 1, 8 do
            local answer = c:answer(ids[i])
            assert(answer.status == 200 and answer.body == "/" .. i, answer.reset)
            served = served + 1
          end
        end
        scope.write(dir .. "/" .. worker, tostring(served))
      end, { output = dir .. "/out" })
    end
    for _ = 1, 5 do reload(n) end
    for worker = 1, 3 do
      eventually(function() return not process.exists(pids[worker]) end, 30)
      process.forget(pids[worker])
      assert.equal("", scope.read(dir .. "/out"))
      assert.is_true((tonumber(scope.read(dir .. "/" .. worker)) or 0) > 20)
    end
  end)
end)

describe("A graceful stop", function()
  it("lets streams end, and then the process", function()
    local n = start()
    local c = connect(n)
    local id = begun(c)
    n:signal "QUIT"
    announced(c)
    c:data(id, "rest", { end_stream = true })
    assert.equal(200, c:answer(id).status)
    ends_with(c, id)
    n:stop { signal = "QUIT", limit = 20 }
  end)
end)

describe("limits.requests", function()
  it("ends a connection after so many, and serves those on their way", function()
    local n = start "limits = { requests = 5 },"
    local c = connect(n)
    for i = 1, 4 do assert.equal(200, c:get("/" .. i).status) end
    assert.is_nil(c.goaway)
    local ids = {}
    for i = 1, 3 do ids[i] = c:request { [":path"] = "/" .. i } end
    for i = 1, 3 do assert.equal(200, c:answer(ids[i]).status) end
    announced { goaway = c.goaways[1], wait = function() return true end }
    ends_with(c, ids[3])
  end)
end)

describe("Timeouts", function()
  it("end a connection that is idle: client_idle", function()
    local n = start "timeouts = { client_idle = 1 },"
    local c = connect(n)
    assert.equal(200, c:get("/").status)
    ends_with(c, 1)
  end)

  it("end one whose head does not come: client_header", function()
    local n = start "timeouts = { client_header = 1 },"
    local silent = connect(n)
    local c = connect(n)
    c:send(frames.headers(1, hpack.block(h2_client.fields()), { end_headers = false }))
    assert.is_true(c:closed())
    assert.is_true(silent:closed())
  end)

  it("let a connection of TLS wait for its first request as long as for the next", function()
    local cert = pki.self_signed { names = { "a.test" } }
    local n = start(("timeouts = { client_header = 1, client_idle = 30 }, "
      .. "tls = { certificate = %q, key = %q },"):format(cert.pem_path, cert.key_path))
    local silent = h2_client.connect(n.address, { tls = true, begins = false, timeout = 15 })
    local c = h2_client.connect(n.address, { tls = true, timeout = 15 })
    assert.is_true(c:ping())
    assert.is_true(silent:closed()) -- no preface came
    eventually.always(function() return c.goaway == nil end, 1.5)
    assert.equal(200, c:get("/").status)
    assert.is_nil(c.goaway)
  end)

  it("answer or end a stream whose body does not come: client_body", function()
    local n = start "timeouts = { client_body = 1 },"
    local c = connect(n)
    local id = begun(c)
    local outcome = c:outcome(id)
    assert.is_truthy(outcome:find "^answer 408" or outcome:find "^reset", outcome)
    assert.equal(200, c:get("/").status)
  end)
end)
