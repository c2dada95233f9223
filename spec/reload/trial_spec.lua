local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local GOOD = "return pool[1]"
local WRONG = "config%.lua: policy: pick of pool 'web', on a made%-up request: " ..
  "[^\n]*policy%.lua:%d+: backend has no 'nothing'"

local function policy(body)
  return ([[
    local neap = require "neap"
    local asked = neap.metric.counter("asked", "requests")
    neap.log.info "loaded"
    return { pick = function(request, pool)
      asked:add()
      %s
    end }]]):format(body)
end

local function start()
  local n = admin.start({ origin.start { name = "web" } },
    'name = "web", policy = "policy.lua", log = { level = "info" }',
    { files = { ["policy.lua"] = policy(GOOD) }, allow = { "reload", "upgrade" } })
  n:get "/"
  return n
end

local function write(n, body) scope.write(n.dir .. "/policy.lua", policy(body)) end

local function reload(n) return neap.run { "reload", "--pid", n.pid } end

describe("a policy whose pick fails when it is tried", function()
  it("is refused by a reload, as by neap -t, and the one before serves on", function()
    local n = start()
    local before = n:children()
    write(n, "return pool[1].nothing.name")
    assert.matches(WRONG, (select(3, neap.run { "-t", "-c", n.dir .. "/config.lua" })))
    local code, stdout, stderr = reload(n)
    assert.same({ 1, "" }, { code, stdout })
    assert.matches(WRONG, stderr)
    assert.matches("not reloaded: the generation before serves on %(pid", stderr)
    n:wait_log("error reload: [^\n]*" .. WRONG)
    n:wait_log "reload failed: generation 1 goes on serving"
    assert.equal("web", n:get("/").body)
    assert.same(before, n:children())
    write(n, GOOD)
    assert.matches("^reloaded: generation 3 serves ", (select(2, reload(n))))
  end)

  it("is refused when it does not come back, too", function()
    local n = start()
    write(n, "while true do end")
    local code, _, stderr = reload(n)
    assert.equal(1, code)
    assert.matches("pick of pool 'web', on a made%-up request: [^\n]*policy%.lua:6:", stderr)
    assert.equal("web", n:get("/").body)
  end)

  it("is refused by an upgrade", function()
    local n = start()
    write(n, "return pool[1].nothing.name")
    n:signal "USR2"
    n:wait_log("error upgrade: [^\n]*" .. WRONG)
    n:wait_log "upgrade failed: this process goes on serving"
    assert.equal("web", n:get("/").body)
  end)
end)

describe("a trial that succeeds", function()
  it("leaves no trace: no process, no count, no line of the log", function()
    local n = start()
    local function loads() return n:count_log "info loaded" end
    local before, asked = loads(), admin.metrics(n)["asked"]
    assert.equal(0, (reload(n)))
    assert.equal(2 * before, loads())
    assert.equal(1, asked)
    assert.equal(1, admin.metrics(n)["asked"])
    eventually(function() return #n:children() == 2 end)
  end)
end)
