-- The test kit and the balancer: one policy asks the same questions in both, and gets the same
-- answers, errors included.

local client = require "support.client"
local neap = require "support.neap"
local scope = require "support.scope"
local testing = require "neap.testing"

local CONFIG = [[return {
  workers = 1,
  services = { { listen = "127.0.0.1:0", pool = "web", policy = "driver.lua" } },
  pools = { web = { health = { type = "none" }, backends = {
    { url = "http://127.0.0.1:1", weight = 3, zone = "a", tags = { disk = "ssd", n = 2 } },
    { url = "http://127.0.0.1:2/base", slots = 2, zone = "b" },
    { url = "http://127.0.0.1:3", name = "third", tier = 1 },
    { url = "http://127.0.0.1:4", weight = 0 },
    { url = "unix:/nowhere/at/all" },
  } } },
}]]

-- Runs the text of a probe with request and pool; what it gives, as a text.
local DRIVER = [[
local neap = require "neap"
local driver, probes = {}, %s
local function shown(value)
  if type(value) ~= "table" then return tostring(value) end
  local names, parts = {}, {}
  for name in pairs(value) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for i, name in ipairs(names) do
    local item = value[name]
    if item == nil then item = value[tonumber(name)] end
    parts[i] = name .. "=" .. tostring(item)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end
local function list(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = shown((select(i, ...))) end
  return table.concat(parts, " ")
end
function driver.request(request)
  local text = probes[tonumber(request:header "probe")]
  if not text then return end
  local fn = assert(load("local request, pool, neap = ... " .. text, "=probe"))
  return neap.reply { body = list(pcall(fn, request, neap.pool "web", neap)) }
end
return driver
]]

local PROBES = {
  -- request
  "return request.method, request.path, request.query, request.host",
  "return request.scheme, request.version, request.client_ip, request.attempt",
  "return type(request.id), type(request.time), type(request.client_port), type(request.ctx)",
  "request.ctx.a = 1 return request.ctx.a, request.ctx == request.ctx",
  "return request:header 'X-Two', request:header 'x-TWO', request:header 'absent'",
  "return request:cookie 'a', request:cookie 'B', request:cookie 'b', request:cookie 'none'",
  "return request:header 'cookie'",
  "return request.pathh", "request.path = '/x'", "return request.header('x')",
  "return request:header(1)", "return request:cookie()", "return tostring(request)",
  "request:set_header('X-New', 'v') return request:header 'x-new'",
  "request:set_header('X-Two', 7) return request:header 'x-two'",
  "request:set_header('X-Two') return request:header 'x-two'",
  "request:set_header('Host', 'b') return request.host",
  "request:set_header('Host')", "request:set_header('Content-Length', 1)",
  "request:set_header('te', 'x')", "request:set_header('a b', 'x')",
  "request:set_header('a', 'x\\ny')", "request:set_header('X_Forwarded_For', 'y')",
  "request:set_header('Content_Length', 'y')", "request:set_header('My_Own', 'y') return 1",
  "request:set_header('a', {})", "for i = 1, 70 do request:set_header('a' .. i, 'x') end",
  "request:set_header('a', ('x'):rep(20000))", "request:set_header('a', '  b\\t') return "
    .. "request:header 'a'",
  "request:set_path '/new' return request.path, request.query, request.target_path",
  "return #request:cookies 'a', request:cookies 'b', request:cookies 'none', request:cookies(1)",
  "request:set_path '/new?z' return request.path, request.query",
  "request:set_header('X-Two') request:set_header('X-Set', 1) local t = {} for name, value in "
    .. "request:headers() do t[#t + 1] = name .. '=' .. value end return table.concat(t, ' ')",
  "return request.headers()", "return request.args()", "return request:args('a')",
  "return request:args().q, request:args()[1], #select(2, request:args())",
  "return request.normal_path",
  "return neap.url.path '/%%61/../b', neap.url.path '/%%00'",
  "return neap.ip.parse '::ffff:1.2.3.4', neap.ip.set { 'x' }", "return neap.ip.set(1)",
  "return assert(neap.ip.set { '127.0.0.0/8' }):has(request.client_ip)",
  "return neap.base64.encode 'a', neap.base64.decode 'YQ', neap.base64.nothing, neap.nothing",
  "return neap.url.query { a = 1, b = { 2, 3 } }, neap.url.build { host = 'h' }",
  "return neap.crypto.sha256 'a', neap.crypto.sha1 'a', neap.crypto.equal('a', 'b')",
  "return neap.jwt.verify('a.b.c', { keys = 's' })", "return neap.jwt.keys ''",
  "return neap.jwt.verify('a', {})", "return neap.crypto.hmac('x', 'a', 'b')",
  "return neap.regex.new('(b)(?<n>c)?'):match 'abd', neap.regex.new 'a(', neap.regex.new(1)",
  "return neap.regex.new('b+'):find 'abb', neap.regex.new('a'):gsub('aa', 'x')",
  "request:set_path 'new'", "request:set_path '/a b'", "request:set_path '/a%%zz'",
  "request:set_path '/a%%20b' return request.path", "request:set_path '/a#b'",
  "request:set_path '/\\255'", "request:set_path(1)",
  -- pool
  "return #pool, pool.name, #pool.all, pool[9]",
  "return tostring(pool[1]), tostring(pool[2]), tostring(pool.all[3]), tostring(pool.all[5])",
  "return pool.lenght", "return pool.round_robin()", "return pool:find(5)",
  "local s = {} for i = 1, 8 do s[i] = pool:round_robin().name end return table.concat(s, ' ')",
  "return pool:hash('key1'), pool:hash('key2'), pool:hash('key3'), pool:hash(4), pool:hash('5')",
  "return pool:hash()", "return pool:hash({})", "return pool:first()",
  "return pool:random() ~= nil, pool:random(3) ~= nil", "return pool:random(0)",
  "return #pool:where('zone', 'a'), #pool:where('disk', 'ssd'), #pool:where('n', 2)",
  "return #pool:where('weight', 1), #pool:where('zone', nil), #pool:where('port', 2)",
  "return pool:where(1)", "return pool:where('zone', 'none'):round_robin()",
  "return pool:where('zone', 'none'):least_loaded(), pool:where('zone', 'none'):hash('x')",
  "return pool:find '127.0.0.1:1', pool:find 'third', pool:find '127.0.0.1:4', pool:find 'no'",
  "local c = pool:counter 'mine' return c:next(), c:next(), c:add(5), c:add(-2), c:get()",
  "pool:counter(1)", "return pool:counter('x'):add(0.5)", "return pool:counter('y').next()",
  "return pool.options.retry.attempts, pool.options.health.type",
  "return neap.pool 'wep'", "return neap.pool(nil)", "return neap.pool 'web' == pool",
  -- backends
  "local b = pool.all[1] return b.name, b.url, b.host, b.port, b.weight, b.tier, b.zone, b.tags",
  "local b = pool.all[2] return b.name, b.url, b.slots, b.inflight, b.latency, b.errors, b.tags",
  "local b = pool.all[5] return b.name, b.url, b.host, b.port, b.zone, b.slots",
  "local b = pool.all[1] return b.nam", "local b = pool.all[1] b.weight = 2",
  "local b = pool.all[1] return b.down()", "return pool.all[1]:down(5)",
  "local b = pool.all[1] return b:suspect 'why', b:suspect(), b.state, #neap.pool 'web', "
    .. "pool.all[1].suspect()", "return pool.all[1]:suspect {}",
  "return pool.all[1]:eject(0)", "return pool.all[1]:eject('x')",
  "local b = pool.all[1] local a = b:down 'why' local c = b:down() return a, c, b.state, "
    .. "#neap.pool 'web', #pool, b:up(), b:up(), b.state",
  "local b = pool.all[1] b:drain() local s = b.state local d = b:down() "
    .. "local f = neap.pool('web'):find(b.name) b:up() return s, d, f",
  "local b = pool.all[1] b:eject(60, 'x') local s = b.state local n = #neap.pool 'web' b:up() "
    .. "return s, n",
  "local b = pool.all[1] for _, c in ipairs(pool.all) do c:down() end local v = neap.pool 'web' "
    .. "local n = #v for _, c in ipairs(pool.all) do c:up() end return n, v:round_robin()",
  "local a, b = pool.all[1], pool.all[2] a:down() b:down() pool.all[5]:down() local v = "
    .. "neap.pool 'web' a:up() b:up() pool.all[5]:up() return #v, v[1]",
  -- neap
  "return neap.hash('abc'), neap.hash('abc', 7), neap.hash('', 4294967295), neap.hash('x', -1)",
  "return neap.hash(5)", "return neap.hash('a', 0.5)",
  "return neap.hmac('key', 'text'), neap.hmac(('k'):rep(100), '')", "return neap.hmac(1, 'x')",
  "return #neap.secret(), neap.secret() == neap.secret()",
  "local r = neap.random() return r >= 0 and r < 1, neap.random(1)", "return neap.random(0)",
  "return neap.json.encode { a = { 1, 2 } }, neap.json.decode('[1,2]')[2], (neap.json.decode '{')",
  "return neap.reply { status = 1 }", "return neap.reply { bdy = 'x' }", "return neap.reply 'x'",
  "local m = neap.metric.counter('m', 'h') return m:next(), m:add(2), m:get()",
  "neap.metric.counter('m', 'h'):add(-1)", "neap.metric.gauge('g', 'h'):set 'x'",
  "return neap.json.encode { 2 ^ 53 - 1, 0.1, 1 / 3, -0.5, 1e300, neap.json.null, 'a/\\1\\127' }",
  "return neap.json.encode { 1, 2, [4] = 3 }, neap.json.encode {}, neap.json.encode { [100] = 1 }",
  "return neap.json.encode(0 / 0)", "return neap.json.encode { f = print }",
  "local t = {} t[1] = t return neap.json.encode(t)",
  "local g = neap.metric.gauge('g', 'h') g:set(1.5) g:add(-3) return g:get()",
  "neap.metric.gauge('m', 'h')", "neap.metric.counter('1m', 'h')",
  "return neap.now() > 0, neap.now() == neap.now()", "neap.sleep(0.001) return 1",
  "neap.sleep(-1)", "return neap.dns.resolve(1)", "return neap.tcp.connect(1)",
  "return neap.tcp.connect('127.0.0.1')", "return neap.http.get 'ftp://x'",
  "return neap.http.request { url = 'http://x', bad = 1 }",
  "return neap.http.get 'http://127.0.0.1:1/'", "return neap.check.nope",
  "neap.pool = 1", "undeclared = 1", "return undeclared", "return os.execute",
  "return math.random()", "return os.time()", "return type(neap.check.tcp {})",
  "return table.sort({ 2, 1 }, function() neap.sleep(0.001) end) == nil",
}

local REQUEST = {
  path = "/a/b?q=1", headers = {
    { "Host", "example.org" }, { "X-Two", "one" }, { "X-Two", "two" }, { "Cookie", 'a=1; b="q"' },
    { "Cookie", "B=2" },
  },
}

-- A table of strings as source.
local function source_of(list)
  local parts = {}
  for i, text in ipairs(list) do parts[i] = ("%q"):format(text) end
  return "{ " .. table.concat(parts, ",\n") .. " }"
end

local function fields_for(number)
  local fields = { { "Probe", tostring(number) } }
  for _, field in ipairs(REQUEST.headers) do table.insert(fields, field) end
  return fields
end

local function request_bytes(number)
  local lines = { "GET " .. REQUEST.path .. " HTTP/1.1" }
  for _, field in ipairs(fields_for(number)) do
    table.insert(lines, field[1] .. ": " .. field[2])
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- What stands in for addresses and the like.
local function normal(text) return (text:gsub("0x%x+", "ADDRESS"):gsub("/%S*/driver", "driver")) end

describe("the test kit answers as the balancer does", function()
  local real, kit, connection

  setup(function()
    local files = { ["driver.lua"] = DRIVER:format(source_of(PROBES)) }
    real = neap.start { config = CONFIG, files = files }
    local folder = scope.directory()
    scope.write(folder .. "/config.lua", CONFIG)
    scope.write(folder .. "/driver.lua", files["driver.lua"])
    kit = testing.balancer { config = folder .. "/config.lua" }
    connection = client.connect(real.address)
  end)

  for number, text in ipairs(PROBES) do
    it("to " .. text, function()
      connection:send(request_bytes(number))
      local answer = connection:read_response()
      assert.equal(200, answer.status, answer.raw)
      local result = kit.pool:send { path = REQUEST.path, headers = fields_for(number) }
      assert.equal(normal(answer.body), normal(result.body))
    end)
  end
end)
