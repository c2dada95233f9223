-- A mirror that fails, or takes long: nobody but its own pool is told.
local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local mirrored = require "support.mirrored"
local net = require "support.net"
local origin = require "support.origin"

local function silent()
  return origin.start { name = "silent", connection = function(conn)
    conn:read_until "\r\n\r\n"
    conn:closed(60)
  end }
end

describe("a mirror that fails", function()
  it("is not seen by the client, and its backend is marked down", function()
    local n = mirrored.start({ origin.start { name = "main" } },
      { "http://" .. net.refused() }, { service = 'policy = { log = function() end },' })
    for _ = 1, 3 do assert.equal("main", n:get("/").body) end
    local counts = mirrored.counted(n, "failed", 3)
    assert.same({ 3, 0 }, { counts.sent, counts.answered })
    local status = admin.status(n)
    local pools = {}
    for _, pool in ipairs(status.pools) do pools[pool.name] = pool end
    assert.equal("down", pools.m.backends[1].state)
    assert.equal("up", pools.p.backends[1].state:gsub("unknown", "up"))
    local values = admin.metrics(n)
    local service = status.services[1].name
    assert.equal(3, values[('neap_service_requests_total{service="%s"}'):format(service)])
    assert.equal(3, values['neap_mirror_failures_total{pool="p"}'])
    assert.equal(0, values['neap_mirror_skipped_total{pool="p",why="body"}'])
    for name, value in pairs(values) do
      if name:find "^neap_service_failed_attempts_total" or name:find "^neap_service_refused" then
        assert.equal(0, value, name)
      end
    end
  end)

  it("delays no client, however slow it is", function()
    local copy = silent()
    local n = mirrored.start({ origin.start { name = "main" } }, { copy })
    local c = client.connect(n.address)
    for _ = 1, 20 do assert.equal("main", c:request("GET", "/").body) end
    eventually(function() return copy:connections() >= 20 end)
    local counts = mirrored.counts(n)
    assert.same({ 20, 0, 0 }, { counts.sent, counts.answered, counts.failed })
  end)

  it("ends by its own timeouts", function()
    local n = mirrored.start({ origin.start { name = "main" } }, { silent() },
      { m = "timeouts = { response = 0.3 }" })
    assert.equal("main", n:get("/").body)
    mirrored.counted(n, "failed", 1)
    eventually(function()
      local values = admin.metrics(n)
      for name, value in pairs(values) do
        if name:find '^neap_backend_inflight{pool="m"' then return value == 0 end
      end
    end)
  end)

  it("has an answer that never ends: it is cut", function()
    local copy = origin.start { handler = function(conn)
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
      while conn:send(("x"):rep(65536)) do end
    end, allow_errors = true }
    local n = mirrored.start({ origin.start { name = "main" } }, { copy })
    assert.equal("main", n:get("/").body)
    mirrored.counted(n, "answered", 1)
    eventually(function() return copy:open_connections() == 0 end)
  end)

  it("goes on when its client leaves", function()
    local main = origin.start { handler = function(conn)
      conn:wait(0.3)
      return "main"
    end, allow_errors = true }
    local copy = origin.start { handler = function(conn)
      conn:wait(0.6)
      return "copy"
    end }
    local n = mirrored.start({ main }, { copy })
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return copy:requests()[1] end)
    c:close()
    mirrored.counted(n, "answered", 1)
  end)

  it("is waited for by a graceful stop", function()
    local copy = origin.start { handler = function(conn)
      conn:wait(1)
      return "copy"
    end }
    local n = mirrored.start({ origin.start { name = "main" } }, { copy })
    assert.equal("main", n:get("/").body)
    eventually(function() return copy:requests()[1] end)
    n:signal "QUIT"
    assert.equal(0, n:wait(20))
    assert.is_true(copy:requests()[1].complete)
  end)

  it("is cut when neap ends at once", function()
    local copy = silent()
    local n = mirrored.start({ origin.start { name = "main" } }, { copy })
    assert.equal("main", n:get("/").body)
    eventually(function() return copy:connections() == 1 end)
    n:stop()
    eventually(function() return copy:open_connections() == 0 end)
  end)

  it("is told of in stories", function()
    local n = mirrored.start({ origin.start { name = "main" } }, { origin.start {} },
      { rest = "explain = { sample = 1 }" })
    assert.equal("main", n:get("/").body)
    mirrored.counted(n, "answered", 1)
    local text = eventually(function()
      local code, out = require("support.neap").run { "explain", "--admin", n.admin }
      return code == 0 and out:find "a copy of it" and out
    end)
    assert.matches("a copy for m", text)
  end)
end)

describe("the config of a mirror", function()
  local case = require "support.neap"
  local function refused(pools, why)
    local code, text = case.check(('return { services = { { pool = "p" } }, pools = { %s } }')
      :format(pools))
    assert.equal(1, code)
    assert.truthy(text:find(why, 1, true), text)
  end

  it("is refused when it is wrong", function()
    local P = 'p = { backends = { "http://h" }, mirror = %s }, '
    local M = 'm = { backends = { "http://h" } }'
    refused(P:format '{ pool = "n" }' .. M, "pools.p.mirror.pool: no pool 'n' is defined in pools")
    refused(P:format '{ pool = "p" }' .. M, "pools.p.mirror.pool: a pool cannot be its own mirror")
    refused(P:format "{}" .. M, "pools.p.mirror.pool: missing")
    refused(P:format '{ pool = "m", share = 2 }' .. M, "pools.p.mirror.share: 2 is out of range")
    refused(P:format "true" .. M, "pools.p.mirror: true is not a table")
    refused(P:format '{ pool = "t" }' .. 't = { backends = { "tcp://h:1" } }',
      "pools.t.backends[1]: 'tcp://h:1' goes only with mode = 'tcp'")
  end)
end)
