local case = require "unit.config_case"

-- { key, literal, the whole error behind "config.lua: " }
local WRONG = {
  { "workers", "0", "workers: 0 is out of range "
    .. "(expected a whole number from 1 to 64, or \"auto\")" },
  { "workers", "'many'", "workers: 'many' is not a whole number "
    .. "(expected a whole number from 1 to 64, or \"auto\")" },
  { "workers", "1.5", "workers: 1.5 is not a whole number "
    .. "(expected a whole number from 1 to 64, or \"auto\")" },
  { "workers", "0/0", "workers: nan is not a whole number "
    .. "(expected a whole number from 1 to 64, or \"auto\")" },
  { "user", "''", "user: the text is empty (expected a text of 1 to 63 bytes)" },
  { "user", "'a\\nb'", "user: 'a\\x0ab' has control characters "
    .. "(expected a text of 1 to 63 bytes)" },
  { "unsafe", "'yes'", "unsafe: 'yes' is not a boolean (expected true or false)" },
  { "log", "'stderr'",
    "log: 'stderr' is not a table (expected a table with target, level, checks)" },
  { "log", "{ level = 'warning' }", "log.level: 'warning' is not one of its words "
    .. "(expected \"debug\", \"info\", \"warn\" or \"error\")" },
  { "log", "{ level = 'inof' }", "log.level: 'inof' is not one of its words "
    .. "(expected \"debug\", \"info\", \"warn\" or \"error\"); did you mean 'info'?" },
  { "listen", "{}", "listen: the list is empty (expected at least one address)" },
  { "listen", "true", "listen: true is not an address "
    .. "(expected \"host:port\", \":port\", \"[v6]:port\" or \"unix:/path\")" },
  { "listen", "{ ':80', ':x' }", "listen[2]: ':x' is not an address: 'x' is not a port "
    .. "(0-65535) (expected \"host:port\", \":port\", \"[v6]:port\" or \"unix:/path\")" },
  { "listen", "{ ':80', '*:80' }", "listen[2]: '*:80' is listened on already: listen[1]" },
  { "health", "{ interval = 'soon' }", "health.interval: 'soon' is not a number of seconds "
    .. "(expected a number > 0)" },
  { "health", "{ interval = 0 }", "health.interval: 0 is out of range (expected a number > 0)" },
  { "health", "{ interval = 1/0 }", "health.interval: inf is not a number of seconds "
    .. "(expected a number > 0)" },
  { "slots", "3", "slots: unknown key; it is a backend's: backends = { { url = …, slots = … } }" },
  { "health", "{ intervall = 1 }", "health.intervall: unknown key; did you mean 'interval'?" },
  { "health", "{ type = 'htpp' }", "health.type: 'htpp' is not one of its words "
    .. "(expected \"tcp\", \"http\", \"https\", \"grpc\", \"agent\", \"udp\", "
    .. "\"dns\", \"icmp\" or \"none\"); "
    .. "did you mean 'http'?" },
  { "health", "{ path = '/' }", "health.path: this goes only with type = 'http' or 'https' "
    .. "(and it is 'tcp')" },
  { "health", "{ type = 'http', path = 'x' }", "health.path: 'x' is not a path "
    .. "(expected a path that begins with /, without blanks)" },
  { "health", "{ type = 'http', status = '2xx' }", "health.status: '2xx' is not a set of "
    .. "statuses (expected statuses from 100 to 599 like \"200-399\", 204, \"200,204\" or a list "
    .. "of such)" },
  { "health", "{ type = 'http', send = 'x' }", "health.send: this goes only with "
    .. "type = 'tcp' or 'agent' or 'udp' (and it is 'http')" },
  { "health", "{ type = 'none', port = 5 }", "health.port: this goes only with type = 'tcp' or "
    .. "'http' or 'https' or 'grpc' or 'agent' or 'udp' or 'dns' (and it is 'none')" },
  { "health", "{ jitter = 2 }", "health.jitter: 2 is out of range (expected a number from 0 to "
    .. "0.5)" },
  { "health", "{ interval = 1, fast = 2 }", "health.fast: 2 is more than the interval, 1" },
  { "health", "{ expect = { pattern = '(a' } }", "health.expect: '(a' is not a pattern that fits: "
    .. "there are no captures here" },
  { "health", "{ expect = { patern = 'a' } }", "health.expect: it has the key 'patern' (expected "
    .. "a text of 1 to 1023 bytes, or { pattern = \"…\" })" },
  { "health", "{ address = 'a b' }", "health.address: 'a b' is not an address: 'a b' is not a "
    .. "host name (expected a host name, an IP address or \"unix:/path\")" },
  { "health", "{ type = 'http', headers = { host = 'a' } }", "health.headers.host: this field has "
    .. "no place here: use host" },
  { "health", "{ type = 'http', headers = { a = 'b\\r\\nc: d' } }", "health.headers.a: "
    .. "'b\\x0d\\x0ac: d' is not a field's value" },
  { "health", "{ type = 'http', expect_headers = { a = 5 } }", "health.expect_headers.a: 5 is not "
    .. "a text or pattern" },
  { "health", "{ type = 'none', initial = 'down' }", "health.initial: with type = 'none' nothing "
    .. "would ever find it up" },
  { "health", "{ { type = 'tcp' }, { type = 'htpp' } }", "health[2].type: 'htpp' is not one of its "
    .. "words" },
  { "health", "{ { type = 'tcp' }, { type = 'none' } }", "health[2].type: 'none' does not go with "
    .. "other checks" },
  { "health", "{ { type = 'tcp' }, interval = 5 }", "health: it has the key 'interval', so it is "
    .. "not a list" },
  { "health", "{ { initial = 'up' }, { initial = 'down' } }", "health[2].initial: another check of "
    .. "this pool says 'up'" },
  { "timeouts", "{ connect = -1 }", "timeouts.connect: -1 is out of range "
    .. "(expected a number > 0, or false)" },
  { "timeouts", "{ conect = 1 }", "timeouts.conect: unknown key; did you mean 'connect'?" },
  { "timeouts", "{ 5 }", "timeouts[1]: unexpected item 1 (expected only named keys here)" },
  { "limits", "{ headers = 1e9 }", "limits.headers: 1000000000 is out of range "
    .. "(expected a whole number from 1 to 1000)" },
  { "retry", "{ status = { 502, 99 } }", "retry.status[2]: 99 is not a status "
    .. "(expected a number from 100 to 599, or a text like \"500-599\")" },
  { "retry", "{ status = 502 }", "retry.status: 502 is not a list "
    .. "(expected a list of statuses)" },
  { "panic", "1.5", "panic: 1.5 is out of range (expected a number from 0 to 1, or false)" },
  { "eject", "true", "eject: true is not a table (expected a table with consecutive, error_rate" },
  { "eject", "{ time = 0 }", "eject.time: 0 is out of range (expected a number > 0)" },
  { "eject", "{ max_share = -1 }", "eject.max_share: -1 is out of range "
    .. "(expected a number from 0 to 1)" },
  { "eject", "{ error_rat = 1 }", "eject.error_rat: unknown key; did you mean 'error_rate'?" },
  { "eject", "{ status = { 700 } }", "eject.status[1]: 700 is not a status" },
  { "slow_start", "'1m'", "slow_start: '1m' is not a number of seconds (expected one, false, or a "
    .. "table with time, from)" },
  { "slow_start", "0", "slow_start.time: 0 is out of range (expected a number > 0)" },
  { "slow_start", "{ from = 2 }", "slow_start.from: 2 is out of range "
    .. "(expected a number from 0 to 1)" },
  { "queue", "{ length = -1 }", "queue.length: -1 is out of range "
    .. "(expected a whole number from 0 to 1000000)" },
  { "queue", "{ timeout = 0 }", "queue.timeout: 0 is out of range (expected a number > 0)" },
  { "queue", "{ lenght = 5 }", "queue.lenght: unknown key; did you mean 'length'?" },
  { "queue", "5", "queue: 5 is not a table (expected a table with length, timeout)" },
  { "length", "5", "length: unknown key; did you mean 'queue.length'?" },
  { "retry", "{ budget = true }", "retry.budget: true is not a table "
    .. "(expected a table with ratio, min_per_second, ttl)" },
  { "retry", "{ budget = { ratio = '20%' } }", "retry.budget.ratio: '20%' is not a number "
    .. "(expected a number from 0 to 1000)" },
  { "retry", "{ budget = { min_per_second = -1 } }", "retry.budget.min_per_second: -1 is out of "
    .. "range (expected a number from 0 to 1000000)" },
  { "timeouts", "{ attempt = 0 }", "timeouts.attempt: 0 is out of range "
    .. "(expected a number > 0, or false)" },
  { "forwarded", "{ trust = { 'example.com' } }", "forwarded.trust[1]: 'example.com': this is "
    .. "not an IP address or range (expected an IP address, a range like \"10.0.0.0/8\", or "
    .. "\"unix\")" },
  { "policy", "5", "policy: 5 is not a policy (expected the name of a policy, a path, a table of "
    .. "hooks or a function)" },
  { "access_log", "'x.log'", "access_log: 'x.log' is not a table" },
  { "access_log", "{ format = 'comon' }", "access_log.format: 'comon' is not a format (expected "
    .. '"combined", "json" or a function' },
  { "request_id", "'Content-Length'", "request_id: 'Content-Length' is used otherwise" },
  { "request_id", "'a b'", "request_id: 'a b' is not a field name" },
  { "traceparent", "'x'", "traceparent: 'x' is not a boolean" },
  { "interval", "5", "interval: unknown key; did you mean 'health.interval'?" },
  { "half_closed", "5", "half_closed: unknown key; did you mean 'timeouts.half_closed'?" },
  { "expose", "false", "expose: unknown key; did you mean 'errors.expose'?" },
  { "helth", "{}", "helth: unknown key; did you mean 'health'?" },
  { "['a b']", "1", '["a b"]: unknown key (known here: workers, user' },
  { "services", "{}", "services: the list is empty (expected at least one service)" },
}

-- What is not built yet is refused, never ignored.

describe("a key of the config", function()
  it("is refused with its path, what is wrong and what was expected", function()
    for _, row in ipairs(WRONG) do
      local config, why = case.one(row[1], row[2])
      assert.is_nil(config, row[1])
      assert.truthy(why:find("config.lua: " .. row[3], 1, true), why .. "\nexpected " .. row[3])
    end
  end)

  it("is told where it belongs, when another table has it", function()
    local IN_POOL = 'return { services = { { pool = "a" } }, pools = { a = { '
      .. 'backends = { "http://h" }, %s } } }'
    local OF_SERVICE = "%s: unknown key; it is a service's, not a pool's: write it into %s of the "
      .. "service that uses this pool"
    for key, case_of in pairs {
      ["pools.a.guard"] = { "guard = true", "the keys" },
      ["pools.a.timeouts.linger"] = { "timeouts = { linger = 5 }", "the timeouts" },
      ["pools.a.limits.body_bytes"] = { "limits = { body_bytes = 5 }", "the limits" },
    } do
      local _, why = case.load(IN_POOL:format(case_of[1]))
      assert.equals("config.lua: " .. OF_SERVICE:format(key, case_of[2]), why)
    end
    local _, why = case.load(IN_POOL:format "workers = 1")
    assert.equals("config.lua: pools.a.workers: unknown key; it stands at the top level of the "
      .. "file", why)
  end)

  it("may say that it does not want such a feature", function()
    for _, key in ipairs { "access_log", "admin", "tls", "queue" } do
      assert.is_table(case.one(key, "false"))
    end
    for _, key in ipairs { "panic", "eject", "slow_start" } do
      assert.is_false(case.one(key, "false").pools[1][key])
    end
  end)

  it("of which there are too many is counted", function()
    local _, why = case.load [[
      local config = { backends = { "http://h" } }
      for i = 1, 500 do config["key" .. i], config[i] = i, i end
      return config]]
    assert.truthy(why:find("config.lua: [1]: unexpected item 1", 1, true), why)
    local shown, left = select(2, why:gsub("\n", "")), tonumber(why:match "and (%d+) more errors$")
    assert.equals(1000, shown + left)
    assert.is_true(#why <= 1023)
  end)

  it("is reported together with all the others that are wrong", function()
    local _, why = case.one("workers", "0", "helth = {}, health = { rise = 0, fall = 0 }")
    assert.same({ "helth", "workers", "health.rise", "health.fall" }, (function()
      local keys = {}
      for key in why:gmatch "config%.lua: ([%w.]+): " do table.insert(keys, key) end
      return keys
    end)())
  end)
end)
