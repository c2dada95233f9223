-- neap -t sends a made-up request through the hooks; so does a reload before it takes over.
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local CONFIG = [[return { listen = "127.0.0.1:1", backends = { "http://127.0.0.1:2" },
  policy = "policy.lua" %s }]]

local function check(policy, more)
  return neap.run({ "-t", "-c", "config.lua" }, { limit = 15, files = {
    ["config.lua"] = CONFIG:format(more or ""),
    ["policy.lua"] = 'local neap = require "neap"\n' .. policy,
  } })
end

local wrong = {
  { "request", "request = function(r) return r:nonsense() end", "request has no 'nonsense'" },
  { "request", "request = function() return { status = 200 } end",
    "request returned a table %(expected nothing, or neap%.reply" },
  { "request", "request = function() return neap.reply { headers = { ['a b'] = 'c' } } end",
    "'a b'" },
  { "request", "request = function() return neap.reply { status = '200' } end",
    "from 200 to 599, not '200'" },
  { "request", "request = function() return neap.reply { staus = 200 } end",
    "unknown key 'staus'; did you mean 'status'%?" },
  { "request", "request = function() return neap.reply { text = 'x' } end",
    "unknown key 'text' %(known: status, headers, body, file%)" },
  { "request", "request = function() while true do end end", "ran for more than" },
  { "backends", "backends = function() return 7 end", "backends returned a number" },
  { "backends", "backends = function() return neap.pool 'nope' end",
    "no pool 'nope' %(there are: 127%.0%.0%.1:1%)" },
  { "pick", "pick = function(r, p) return p:nonsense() end", "pool has no 'nonsense'" },
  { "response", "response = function(r, b, response) return response.nonsense end", "nonsense" },
  { "log", "log = function(r, outcome) return outcome.nonsense end", "nonsense" },
}

describe("neap check sends a request through the hooks, and", function()
  for _, case in ipairs(wrong) do
    it("refuses an error of " .. case[1] .. ": " .. case[2], function()
      local code, stdout, stderr = check("return {" .. case[2] .. "}")
      assert.equal("", stdout)
      assert.equal(1, code)
      assert.matches("^config%.lua: policy: " .. case[1]
        .. " of %a+ '[^']+', on a made%-up request: ", stderr)
      assert.matches(case[3], stderr)
    end)
  end

  it("shows the way to an error in the policy, and none of its own files", function()
    local _, _, stderr = check [[
      local function helper() error "boom" end
      return { request = function() helper() neap.sleep(1) end,
        pick = function(_, pool) local c = neap.tcp.connect("a:1", "soon") return c end }]]
    assert.matches("policy%.lua:2: boom < policy%.lua:2: in function 'helper' < policy%.lua:3: "
      .. "in function 'request_hook'\n", stderr)
    assert.is_nil(stderr:find("lua/neap/", 1, true), stderr)
    for call, said in pairs {
      ["neap.jwt.verify('x', { key = 'a' })"] = "unknown option 'key'; did you mean 'keys'?",
      ["neap.dns.lookup 'x'"] = "neap.dns has no 'lookup' (known: resolve)",
    } do
      _, _, stderr = check(("return { request = function() %s end }"):format(call))
      assert.is_truthy(stderr:find(said .. " < policy.lua:2: in function", 1, true), stderr)
    end
  end)

  it("refuses an error of the access log's function", function()
    local code, _, stderr = check("return {}",
      ", access_log = { target = 'stdout', format = function(r) return r.nonsense end }")
    assert.equal(1, code)
    assert.matches("access_log%.format", stderr)
  end)

  it("takes hooks that hand things on to each other", function()
    local code, stdout, stderr = check [[return {
      request = function(r) r.ctx.user = { name = "you" } end,
      backends = function(r, pool) assert(r.ctx.user.name) return pool end,
      pick = function(r, pool) return r.attempt == 1 and pool[1] end,
      response = function(r, b, response) response:set_header("x", r.ctx.user.name .. b.name) end,
      log = function(r, outcome) assert(r.ctx.user.name and outcome.status == 200) end,
    }]]
    assert.same({ 0, "config.lua: ok\n", "" }, { code, stdout, stderr })
  end)

  it("takes a request hook that answers, waits, or refuses without credentials", function()
    for _, body in ipairs { "return neap.reply { body = r.method }",
      "neap.sleep(1) r.ctx.x = 1", "neap.http.get 'http://127.0.0.1:1/'",
      "assert(neap.http.get 'http://127.0.0.1:1/')", "assert(neap.dns.resolve 'nobody.invalid')",
      "assert(neap.tcp.connect('127.0.0.1:1', 1)):send 'x'", "assert(neap.tcp.connect 'unix:/no')",
      "if not r:header 'authorization' then return neap.reply { status = 401 } end" } do
      local code, stdout = check("return { request = function(r) " .. body .. " end, "
        .. "log = function(r, o) return o.status end }")
      assert.same({ 0, "config.lua: ok\n" }, { code, stdout })
    end
  end)

  it("takes hooks of mode tcp", function()
    local code, stdout, stderr = neap.run({ "-t", "-c", "config.lua" }, { limit = 15, files = {
      ["config.lua"] = [[return { listen = "127.0.0.1:1", mode = "tcp",
        backends = { "tcp://127.0.0.1:2" }, policy = {
          request = function(r) return r.client_ip and nil end,
          pick = function(r, pool) return pool[1] end,
          log = function(r, o) return o.total end } }]],
    } })
    assert.same({ 0, "config.lua: ok\n", "" }, { code, stdout, stderr })
  end)

  it("warns of a policy that answers 403 in ways that its source does not show", function()
    local code, stdout, stderr = check [[
      local status = 400 + 3
      return { request = function() return neap.reply { status = status } end }]]
    assert.same({ 0, "config.lua: ok\n" }, { code, stdout })
    assert.matches("can answer 403 .*guard = true", stderr)
  end)
end)

describe("a reload", function()
  it("refuses a policy whose hooks err", function()
    local n = neap.start {
      config = neap.config(origin.several(1), 'policy = "policy.lua", health = { type = "none" }'),
      files = { ["policy.lua"] = "return { log = function() end }" },
      allow = { "reload" },
    }
    scope.write(n.dir .. "/policy.lua",
      "return { log = function(_, outcome) return outcome.nonsense end }")
    n:signal "HUP"
    n:wait_log "log of service .*nonsense"
    assert.equal(200, n:get("/").status)
    assert.equal(0, n:count_log "generation 2 serves")
  end)
end)
