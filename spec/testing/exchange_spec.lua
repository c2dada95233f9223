-- Whole requests through the test kit and through the balancer: the same hooks see the same things,
-- and clients get the same answers.

local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local scope = require "support.scope"
local testing = require "neap.testing"

-- What its hooks see goes to the log, and from there to the spec.
local POLICY = [[
local neap = require "neap"
local policy = %s
local function trace(...)
  local parts = { "TRACE%d" }
  for i = 1, select("#", ...) do parts[i + 1] = tostring((select(i, ...))) end
  neap.log.info("%%s", table.concat(parts, " "))
end
policy.failed = policy.failed or function(request, backend, failure)
  trace("failed", request.attempt, backend.name, failure.stage, failure.kind, failure.status,
    failure.safe)
  return require("neap.policy.round_robin").failed(request, backend, failure)
end
function policy.response(request, backend, response)
  trace("response", request.path, request.attempt, backend.name, response.status,
    response:header "x-from")
  response:set_header("X-From", "policy")
  response:add_header("Set-Cookie", "a=b")
end
function policy.log(request, outcome)
  trace("log", request.method, outcome.status, outcome.attempts, outcome.backend, outcome.reason,
    (outcome.queued or 0) >= 0.1, outcome.first_byte ~= nil)
end
return policy
]]

local function pool_of(urls)
  local list = {}
  for i, url in ipairs(urls) do list[i] = ('{ url = "%s", name = "b%d" }'):format(url, i) end
  return ("backends = { %s }"):format(table.concat(list, ", "))
end

local function service_of(number, urls, more)
  return ('{ listen = "127.0.0.1:0", policy = "p%d.lua", health = { type = "none" }, %s %s }')
    :format(number, pool_of(urls), more or "")
end

local FIRST = "{ pick = function(_, pool) return pool[1] end }"

-- backends: what each does; requests: methods; more: of the config.
local CASES = {
  ["an answer"] = { policy = FIRST, backends = { "ok" } },
  ["a dead backend, then another"] = { policy = FIRST, backends = { "dead", "ok" }, requests = 2 },
  ["nothing but dead ones"] = { policy = FIRST, backends = { "dead", "dead" }, requests = 2 },
  ["a reset, which may be tried again"] = { policy = FIRST, backends = { "reset", "ok" } },
  ["a reset of a POST, which may not"] = {
    policy = FIRST, backends = { "reset", "ok" }, method = "POST",
  },
  ["a reset of a POST that the config lets go"] = {
    policy = FIRST, backends = { "reset", "ok" }, method = "POST",
    more = ", retry = { unsafe = true }",
  },
  ["a status that counts as a failure"] = {
    policy = FIRST, backends = { "500", "ok" }, more = ", retry = { status = { 500 } }",
  },
  ["a status that counts, with nobody left"] = {
    policy = FIRST, backends = { "500" }, more = ", retry = { status = { 500 } }",
  },
  ["two attempts at most"] = {
    policy = FIRST, backends = { "dead", "dead", "ok" }, more = ", retry = { attempts = 2 }",
  },
  ["no time for an answer"] = {
    policy = FIRST, backends = { "hang", "ok" }, more = ", timeouts = { response = 0.2 }",
  },
  ["a policy that gives up"] = {
    policy = "{ pick = function(_, p) return p[1] end, failed = function() return 'fail' end }",
    backends = { "dead", "ok" },
  },
  ["a reason"] = {
    policy = "{ pick = function() return nil, 'because\\1' end }", backends = { "ok" },
  },
  ["no reason"] = { policy = "{ pick = function() end }", backends = { "ok" } },
  ["a queue"] = {
    policy = "{ pick = function() return nil, 'queue' end }", backends = { "ok" },
    more = ", queue = false",
  },
  ["a queue that nobody leaves"] = {
    policy = "{ pick = function() return nil, 'queue' end }", backends = { "ok" },
    more = ", queue = { timeout = 0.3 }",
  },
  ["a queue, until a slot is free"] = {
    policy = "{ pick = function(r, p) r.ctx.n = (r.ctx.n or 0) + 1 if r.ctx.n < 3 then "
      .. "return nil, 'queue' end return p[1] end }", backends = { "ok" },
  },
  ["a queue behind a failed attempt"] = {
    policy = "{ pick = function(r, p) if r.attempt > 1 then return nil, 'queue' end "
      .. "return p[1] end }", backends = { "dead", "ok" }, more = ", queue = { timeout = 0.3 }",
  },
  ["an error: the default decides"] = {
    policy = "{ pick = function() error 'oops' end }", backends = { "ok" }, errors = "oops",
  },
  ["an error: refused"] = {
    policy = "{ pick = function() error 'oops' end }", backends = { "ok" }, errors = "oops",
    more = ", on_error = 'refuse'",
  },
  ["a guard whose pick errs"] = {
    policy = "{ pick = function() error 'oops' end }", backends = { "ok" }, errors = "oops",
    more = ", guard = true",
  },
  ["a guard whose failed errs"] = {
    policy = "{ failed = function() error 'oops' end }", backends = { "dead" }, errors = "oops",
    more = ", guard = true",
  },
  ["a wrong value"] = {
    policy = "{ pick = function() return 5 end }", backends = { "ok" },
    errors = "pick returned a number",
  },
  ["a backend that is down"] = {
    policy = "{ pick = function(_, p) p[1]:down 'x' return p.all[1] end }",
    backends = { "ok", "ok" }, errors = "b1 %(down%), which may not serve",
  },
  ["an answer of the policy"] = {
    policy = "{ request = function(r) return neap.reply { status = 418, body = r.method, "
      .. "headers = { ['X-A'] = { 'b', 'c' } } } end }", backends = { "ok" },
  },
  ["a request that is changed"] = {
    policy = "{ request = function(r) r:set_path '/other?x' r:set_header('X-A', 'b') "
      .. "r:set_header('X-B') end }", backends = { "echo" },
  },
}

local function handlers(what)
  if what == "reset" then return { connection = function(conn)
    conn:read_until "\r\n\r\n"
    conn:reset()
  end } end
  if what == "hang" then return { handler = function(conn) conn:closed(5) end } end
  if what == "echo" then return { handler = function(_, request)
    return ("%s %s %s"):format(request.target, request.headers["x-a"], request.headers["x-b"])
  end } end
  return { handler = function(conn)
    local status = tonumber(what) or 200
    conn:send(("HTTP/1.1 %d X\r\nX-From: backend\r\nContent-Length: 2\r\n\r\nhi"):format(status))
  end }
end

local names = {}
for name in pairs(CASES) do table.insert(names, name) end
table.sort(names)

-- One balancer with a service for each case.
local function start_real()
  local services, files, allowed = {}, {}, {}
  for number, name in ipairs(names) do
    local case, urls = CASES[name], {}
    for i, what in ipairs(case.backends) do
      urls[i] = what == "dead" and "http://" .. net.refused() or origin.start(handlers(what)).url
    end
    services[number] = service_of(number, urls, case.more)
    files[("p%d.lua"):format(number)] = POLICY:format(case.policy, number)
    table.insert(allowed, case.errors)
  end
  local n = neap.start {
    config = ("return { workers = 1, services = { %s } }"):format(table.concat(services, ",\n")),
    files = files, allow = allowed,
  }
  return n, files
end

local function lines_of(log, number)
  local list = {}
  for line in log:gmatch("TRACE" .. number .. " ([^\n]*)") do table.insert(list, line) end
  return table.concat(list, "\n")
end

local function shown(status, body, from, a)
  return ("%d %s %s %s"):format(status, (body:gsub("\n$", "")), tostring(from), tostring(a))
end

-- What clients got, and what hooks saw.
local function run_real(n, number, case)
  local answers = {}
  for i = 1, case.requests or 1 do
    local method = case.method or "GET"
    local response = client.connect(n.addresses[number]):request(method, "/path?query",
      { ["X-B"] = "gone" }, method == "POST" and "body" or nil)
    answers[i] = shown(response.status, response.body, response.headers["x-from"],
      response.headers["x-a"])
  end
  local pattern = "TRACE" .. number .. " log"
  eventually(function() return n:count_log(pattern) == #answers end)
  return table.concat(answers, "\n"), lines_of(n:log(), number)
end

local FAULTS = { dead = "kill", reset = "reset", hang = "hang" }

local function make_kit(number, case, files)
  local folder, urls = scope.directory(), {}
  local policy = ("p%d.lua"):format(number)
  scope.write(folder .. "/" .. policy, files[policy])
  for i in ipairs(case.backends) do urls[i] = "http://127.0.0.1:" .. i end
  scope.write(folder .. "/config.lua", "return " .. service_of(number, urls, case.more))
  local kit = testing.balancer { config = folder .. "/config.lua", contain = true }
  kit.pool:serve(function(name, request)
    local what = case.backends[tonumber(name:sub(2))]
    if what == "echo" then
      return ("%s %s %s"):format(request.path, request.headers["x-a"], request.headers["x-b"])
    end
    return { status = tonumber(what) or 200, headers = { ["X-From"] = "backend" }, body = "hi" }
  end)
  for i, what in ipairs(case.backends) do
    if FAULTS[what] then kit.pool[FAULTS[what] ](kit.pool, "b" .. i) end
  end
  return kit
end

local function run_kit(number, case, files)
  local kit, answers = make_kit(number, case, files), {}
  for i = 1, case.requests or 1 do
    local result = kit.pool:send {
      method = case.method, path = "/path?query", headers = { ["X-B"] = "gone" },
    }
    answers[i] = shown(result.status, result.body, result.headers["x-from"], result.headers["x-a"])
    if case.errors then
      assert.matches(case.errors, result.errors[1].text)
    else
      assert.same({}, result.errors)
    end
  end
  return table.concat(answers, "\n"), lines_of(kit.pool:log(), number)
end

describe("a whole request in the test kit ends as in the balancer:", function()
  local n, files

  setup(function() n, files = start_real() end)

  for number, name in ipairs(names) do
    it(name, function()
      local real_answers, real_lines = run_real(n, number, CASES[name])
      local kit_answers, kit_lines = run_kit(number, CASES[name], files)
      assert.equal(real_answers, kit_answers)
      assert.equal(real_lines, kit_lines)
    end)
  end
end)
