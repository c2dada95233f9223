-- What a mistake in a policy is told: what, where, and what to do.
local hook_code = require "support.hook_code"
local neap = require "support.neap"
local origin = require "support.origin"

-- What each line of code raises.
local function told(lines)
  local codes = {}
  for i, line in ipairs(lines) do
    codes[i] = ("function() %s end"):format(line)
  end
  local body = hook_code.run(([[
    local said = {}
    for i, code in ipairs { %s } do said[i] = select(2, pcall(code)) end
    return table.concat(said, "\n")]]):format(table.concat(codes, ",\n")), nil,
    { top = 'local redis, set = neap.redis {}, neap.ip.set { "10.0.0.0/8" }' })
  local list = {}
  for line in body:gmatch "[^\n]+" do table.insert(list, line) end
  return list
end

describe("a mistake", function()
  for what, cases in pairs {
    ["in the name of a function"] = {
      ['neap.http.pots("x")'] = "neap.http has no 'pots' (known: get, request)",
      ['neap.http.reqest {}'] = "neap.http has no 'reqest'; did you mean 'request'?",
      ['neap.crypto.sha265("x")'] = "neap.crypto has no 'sha265'; did you mean 'sha256'?",
      ['redis:pipelin {}'] = "a client of neap.redis has no 'pipelin'; did you mean 'pipeline'?",
      ['redis:get("k")'] = "a client of neap.redis has no 'get' (known: call, pipeline)",
      ['set:contains("10.0.0.1")'] = "a set of neap.ip has no 'contains' (known: has)",
      ['neap.regex.new("a"):mtach("a")'] = "a regex has no 'mtach'; did you mean 'match'?",
      ['neap.htpp.get("x")'] = "neap has no 'htpp'; did you mean 'http'?",
      ['neap.check.tpc {}'] = "neap.check has no 'tpc'; did you mean 'tcp'?",
      ['neap.json.encod {}'] = "neap.json has no 'encod'; did you mean 'encode'?",
    },
    ["in an option"] = {
      ['neap.redis { adress = "a:1" }'] = "redis: unknown option 'adress'; did you mean 'address'?",
      ['neap.redis { db = "1" }'] = "redis: db must be a number, and this is '1'",
      ['neap.http.get("http://a/", { tiemout = 1 })'] =
        "http: unknown option 'tiemout'; did you mean 'timeout'?",
      ['neap.http.get("https://a/", { tls = { verfy = false } })'] =
        "http: tls: unknown option 'verfy'; did you mean 'verify'?",
      ['neap.tcp.connect("a:1", { tsl = true })'] =
        "tcp.connect: unknown option 'tsl'; did you mean 'tls'?",
      ['neap.once("k", 1, function() end, { negativ_ttl = 1 })'] =
        "neap.once: unknown option 'negativ_ttl'; did you mean 'negative_ttl'?",
      ['neap.once("k", "1", function() end)'] =
        "neap.once(key, ttl, fn): ttl must be a number of seconds, and this is '1'",
      ['neap.once("k", 1, function() end, { store = "none" })'] =
        "neap.once: store: shared: no store 'none' (the config has no `shared`)",
      ['neap.limit { rate = 1, brust = 2 }'] =
        "neap.limit: unknown key 'brust'; did you mean 'burst'?",
      ['neap.jwt.verify("t", { keys = "k", isuer = "i" })'] =
        "neap.jwt.verify: unknown option 'isuer'; did you mean 'issuer'?",
      ['neap.jwt.verify("t", { keys = "k", issuer = 5 })'] =
        "neap.jwt.verify: issuer must be a string or a table, and this is 5",
      ['neap.jwt.verify("t", {})'] =
        "neap.jwt.verify: keys are missing (expected keys = a secret, PEM or a JWK set)",
      ['neap.jwt.verify("t", "k")'] =
        "neap.jwt.verify(token, options): options must be a table, and this is 'k'",
    },
  } do
    it(what .. " is told with its line", function()
      local lines, expected = {}, {}
      for line, words in pairs(cases) do
        table.insert(lines, line)
        table.insert(expected, words)
      end
      for i, said in ipairs(told(lines)) do
        local place, words = said:match "^(.-policy%.lua:%d+): (.*)$"
        assert.is_truthy(place, lines[i] .. ": " .. said)
        assert.equal(expected[i], words)
      end
    end)
  end

  -- What `neap -t` says of a config.
  local function checked(config, policy)
    local files = { ["config.lua"] = config, ["policy.lua"] = policy }
    local code, out, err = neap.run({ "-t", "-c", "config.lua" }, { files = files, limit = 30 })
    assert.equal(0, code, err)
    return out .. err
  end

  it("to make a client of Redis in each request is told by neap -t", function()
    local config = 'return { backends = { "http://127.0.0.1:1" }, policy = "policy.lua" }'
    assert.matches("policy.lua:3: a hook makes a client of neap.redis, each", checked(config, [[
local neap = require "neap"
return { request = function(request)
  local r = neap.redis { address = "127.0.0.1:1" }
  request.ctx.value = r:call("GET", "k")
end }]]))
  end)

  it("to have an agent without a port is told by neap -t, and by its check", function()
    local config = [[return { listen = "127.0.0.1:0", backends = { "%s" },
      health = { type = "agent", interval = 0.1 } }]]
    assert.matches("health: its agent has no port of its own",
      checked(config:format "http://127.0.0.1:1"))
    local n = neap.start { config = ([[return { listen = "127.0.0.1:0", backends = { "%s" },
      health = { interval = 0.1 }, policy = { check = require("neap").check.agent() } }]])
      :format(origin.start({}).url) }
    n:wait_log "its agent has no port %(expected health"
  end)
end)
