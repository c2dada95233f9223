local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"
local sim = require "support.sim"

-- A line of the combined format at a second of a minute.
local function combined(second, path, took, ip)
  return ('%s - - [22/Nov/2026:22:05:%02d +0000] "GET %s HTTP/1.1" 200 612 "-" "curl/8"%s'):format(
    ip or "192.0.2.1", second, path, took and (" %.3f"):format(took) or "")
end

local function log_of(lines) return { ["access.log"] = table.concat(lines, "\n") .. "\n" } end

describe("neap sim --trace", function()
  it("takes times, paths and clients of the combined format", function()
    local lines = {}
    for second = 0, 9 do
      for i = 1, 20 do table.insert(lines, combined(second, "/" .. i, 0.01, "192.0.2." .. i)) end
    end
    local result = sim.run { "--trace access.log", "--policy", "hash key=path",
      files = log_of(lines) }
    local p = result.policies[1]
    assert.equal(200, p.requests)
    assert.equal(10, result.scenario.duration)
    assert.equal("trace", result.scenario.arrivals)
    local counts = 0
    for _, backend in ipairs(p.backends) do
      assert.equal(0, backend.count % 10) -- each path ten times, always to the same one
      counts = counts + backend.count
    end
    assert.equal(200, counts)
    sim.near(0.01, p.latency.p50, 0.005)
  end)

  it("takes JSON, with fractions of seconds and out of order", function()
    local lines = {
      '{"time": 1795000001.5, "client_ip": "::1", "method": "GET", "path": "/a", "total": 0.5}',
      '{"time": 1795000000.25, "client_ip": "::1", "method": "GET", "path": "/b", "total": 0.5}',
      '{"time": "2026-11-18T11:06:42.25Z", "uri": "/c?d=1", "request_time": "0.5"}',
    }
    local p = sim.run { "--trace access.log --backends 1", files = log_of(lines) }.policies[1]
    assert.equal(3, p.requests)
    assert.same({ 0.5, 0 }, { p.latency.max, p.queueing.max }) -- 1.25 s and 0.75 s apart
    local close = sim.run { "--trace access.log --backends 1 --speedup 2.5", files = log_of(lines) }
    sim.near(0.2, close.policies[1].queueing.max, 1e-4) -- 0.5 s and 0.3 s apart
  end)

  it("takes the JSON that neap writes", function()
    local backend = origin.start { handler = function(conn)
      conn:wait(0.05)
      return "ok"
    end }
    local n = neap.start { config = neap.config({ backend },
      'access_log = { target = "access.log", format = "json" }') }
    for i = 1, 3 do n:get("/page?n=" .. i, { ["User-Agent"] = "spec" }) end
    n:stop()
    local text = scope.read(n.dir .. "/access.log")
    local result = sim.run { "--trace access.log", files = { ["access.log"] = text } }
    assert.same({ 3, 0 }, { result.policies[1].requests, result.scenario.trace.skipped })
    local p50 = result.policies[1].latency.p50
    assert.is_true(p50 >= 0.05 and p50 < 0.05 + 0.2, p50)
  end)

  it("counts and shows lines that it cannot read", function()
    local lines = { combined(1, "/", 0.1), "what\27[31m is this", "{}", '{"time": "x"',
      combined(2, "/", 0.1), combined(3, "/"), "" }
    local result = sim.run { "--trace access.log", files = log_of(lines) }
    assert.equal(2, result.scenario.trace.requests)
    assert.equal(4, result.scenario.trace.skipped)
    assert.equal(2, result.scenario.trace.examples[1].line)
    assert.equal("what\\x1b[31m is this", result.scenario.trace.examples[1].text)
    assert.matches("4 lines of access.log could not be used", sim.text { "--trace access.log",
      files = log_of(lines) })
  end)

  it("needs to know how long requests took", function()
    local files = log_of { combined(1, "/"), combined(2, "/") }
    assert.matches("^neap: %-%-trace: access.log does not say how long requests took; give "
      .. "%-%-service\n$", sim.fails { "--trace access.log", files = files })
    assert.matches("%-%-trace: access.log: none of its 1 lines can be used; line 1, 'hm': ",
      sim.fails { "--trace access.log", files = log_of { "hm" } })
    local p = sim.run { "--trace access.log --service fixed:1", files = files }.policies[1]
    assert.equal(2, p.requests)
  end)

  it("does not send again what is not safe", function()
    local lines = {}
    for i = 1, 40 do
      table.insert(lines, ('{"time": %.1f, "method": "POST", "path": "/", "total": 1}')
        :format(1795000000 + i / 10))
    end
    local p = sim.run { "--trace access.log --concurrency 20", "--event", "2s b1 down",
      files = log_of(lines) }.policies[1]
    assert.equal("reset", p.reasons[1].reason)
    assert.is_true(p.reasons[1].count >= 2)
  end)

  it("streams: a log of 40 MB takes no more memory than one of 1 MB", function()
    local trace = require "neap.sim.trace"
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    local agent = ("x"):rep(150)
    for i = 0, 199999 do
      file:write(('192.0.2.1 - - [22/Nov/2026:22:%02d:%02d +0000] "GET /%d HTTP/1.1" 200 1 "-" '
        .. '"%s" 0.001\n'):format(math.floor(i / 60) % 60, i % 60, i, agent))
    end
    file:close()
    collectgarbage()
    local before = collectgarbage "count"
    local source = assert(trace.open { path = path, seed = 1 })
    local now, n, most = 0, 0, 0
    while now < math.huge do
      now = source:next(now)
      if n % 5000 == 0 then
        collectgarbage()
        most = math.max(most, collectgarbage "count")
      end
      if now < math.huge then n = n + 1 end
    end
    os.remove(path)
    assert.equal(200000, n)
    assert.is_true(most - before < 10 * 1024, most - before .. " KiB")
  end)
end)
