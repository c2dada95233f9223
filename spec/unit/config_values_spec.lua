local case = require "unit.config_case"
local load = require "neap.config.load"

describe("the values of a config", function()
  it("have the defaults that the docs state", function()
    local config = case.load "return { backends = { 'http://localhost:1/' } }"
    local service, pool = config.services[1], config.pools[1]
    assert.equals("auto", config.workers)
    assert.same({ target = "stderr", level = "info", checks = "changes" }, config.log)
    assert.same({ false, false }, { config.access_log, config.unsafe })
    assert.same({ "http", "round_robin", "default" },
      { service.mode, service.policy, service.on_error })
    assert.same({ trust = {} }, service.forwarded)
    assert.same({ client_header = 10, client_body = 30, client_idle = 75, connect = 5,
      response = 60, attempt = false, stream_idle = 60, tunnel = 3600, udp = 30, request = false,
      drain = 30, notice = false, linger = 30, half_closed = 60, keepalive_probe = 60,
      handshake = 10 },
      service.timeouts)
    assert.same({ header_bytes = 16384, uri_bytes = 8192, headers = 100, body_bytes = false,
      hook_body_bytes = 65536, connections = 10000, requests = false, streams = 128,
      stream_window = 262144, connection_window = 1048576, udp_sessions = 100000,
      source_datagrams = false, source_flows = false, source_bits_v4 = 32,
      source_bits_v6 = 64 },
      service.limits)
    assert.same({ type = "tcp", interval = 60, timeout = 60, rise = 1, fall = 1, failures = 3,
      recheck = 1, fast = false, jitter = 0.1, initial = "unknown" }, pool.health)
    assert.same({ type = "hook", interval = 10 }, pool.discover)
    assert.same({ connections = 64, idle = 55, requests = false }, pool.keepalive)
    assert.same({ attempts = "all", unsafe = false, status = {}, grpc_status = {},
      body_bytes = 65536, budget = false }, pool.retry)
    assert.same({ length = 1024, timeout = 5 }, pool.queue)
  end)

  it("of a backend", function()
    local config = case.load [[return { backends = {
      "http://localhost:1/",
      { url = "http://h/v1/", name = "one", weight = 3, tier = 1, zone = "a", slots = 7,
        tags = { canary = true, cost = 1.5, "fast" } },
    } }]]
    local first, second = unpack(config.pools[1].backends)
    assert.same({ url = "http://localhost:1/", name = "localhost:1", scheme = "http",
      host = "localhost", port = 1, base = "", path = "", weight = 1, tier = 0, slots = false,
      tags = {}, key = "backends[1]" }, first)
    assert.same({ url = "http://h/v1/", name = "one", scheme = "http", host = "h", port = 80,
      base = "/v1", path = "", weight = 3, tier = 1, zone = "a", slots = 7,
      tags = { canary = true, cost = 1.5, fast = true }, key = "backends[2]" }, second)
  end)

  it("of a check by HTTP", function()
    local health = case.one("health", "{ type = 'http' }").pools[1].health
    assert.same({ "GET", "/", { { 200, 399 } } }, { health.method, health.path, health.status })
    health = case.one("health", "{ type = 'http', status = { 204, '300 - 399' }, body = 'ok\\n' }")
      .pools[1].health
    assert.same({ { { 204, 204 }, { 300, 399 } }, "ok\n" }, { health.status, health.body })
  end)

  it("of statuses to retry", function()
    local retry = case.one("retry", "{ status = { 503, '500-502', 502 } }").pools[1].retry
    assert.same({ 500, 501, 502, 503 }, retry.status)
  end)

  it("may be false where that means none", function()
    local config = case.one("timeouts", "{ connect = false, request = 1.5 }")
    assert.is_false(config.services[1].timeouts.connect)
    assert.equals(1.5, config.services[1].timeouts.request)
  end)

  it("have paths relative to the folder of the file", function()
    local text = [[return { backends = { "http://h" }, policy = "./p.lua", pid_file = "neap.pid",
      log = { target = "neap.log" } }]]
    local config = case.load(text, "/etc/neap/config.lua")
    assert.equals("./p.lua", config.services[1].policy)
    assert.equals("/etc/neap/p.lua", config.services[1].policy_path)
    assert.equals("/etc/neap/neap.pid", config.pid_file)
    assert.equals("/etc/neap/neap.log", config.log.target)
    assert.equals("p.lua", case.load(text).services[1].policy_path)
    config = case.load('return { backends = { "http://h" }, policy = "/p.lua", '
      .. 'log = { target = "syslog" } }', "/etc/neap/config.lua")
    assert.equals("/p.lua", config.services[1].policy_path)
    assert.equals("syslog", config.log.target)
    assert.is_nil(case.one("policy", "'hash'").services[1].policy_path)
  end)

  it("of policies are kept as they are", function()
    local config = case.load [[
      local own = { pick = function() end }
      return { backends = { "http://h" }, policy = own, pools = { x = { backends = { "http://h" },
        policy = function() return own end } } }]]
    assert.is_function(config.services[1].policy.pick)
    assert.is_function(config.pools[1].policy)
  end)

  it("of tags have their limits", function()
    for literal, expected in pairs {
      ["{ a = {} }"] = "a tag is a table",
      ["{ [''] = 1 }"] = "a tag is 1",
      ["{ a = 0/0 }"] = "a tag is nan",
      ["{ a = ('x'):rep(600) }"] = "the tags have 604 bytes, more than 511",
      ["5"] = "5 is not a table of tags",
    } do
      local _, why = case.load(("return { backends = { { url = 'http://h', tags = %s } } }")
        :format(literal))
      assert.truthy(why:find("backends[1].tags: " .. expected, 1, true), why)
    end
  end)

  it("of a discover hook are backends as in the config", function()
    assert.equals("h:80", load.backends({ "http://h" }, "discover")[1].name)
    local list, errors = load.backends({ "http://h", { url = "h" } }, "discover")
    assert.is_nil(list)
    assert.equals("pool: discover[2].url: 'h' is not a backend's URL: the scheme is missing "
      .. '(expected a URL like "http://host:port/base", "tcp://host:port", "udp://host:port" or '
      .. '"unix:/path")',
      load.format("pool", errors))
    assert.is_nil((load.backends(nil, "discover")))
    assert.same({}, (load.backends({}, "discover")))
  end)
end)
