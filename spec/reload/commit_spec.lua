local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local function write(n, text) scope.write(n.dir .. "/config.lua", text) end

local function reload(n, number)
  n:signal "HUP"
  n:wait_log(("reloaded: generation %d serves"):format(number), 10)
end

-- All processes of the generation before are gone.
local function wait_settled(n, count)
  eventually(function() return #n:children() == count end, 5, "only one generation")
end

describe("a reload", function()
  it("serves by the new config, in new processes, and the old ones end", function()
    local old, new = origin.start { name = "old" }, origin.start { name = "new" }
    local n = neap.start { config = neap.config { old } }
    local before = n:children()
    assert.equal("old", n:get("/").body)
    write(n, neap.config { new })
    reload(n, 2)
    assert.equal("new", n:get("/").body)
    wait_settled(n, 2)
    for _, pid in ipairs(before) do assert.is_false(process.exists(pid)) end
  end)

  it("leaves the old one serving when the config is wrong, and says why", function()
    local n = neap.start { config = neap.config { origin.start {} }, allow = { "reload" } }
    local before = n:children()
    write(n, 'return { listen = "127.0.0.1:0", backend = {} }')
    n:signal "HUP"
    n:wait_log "error reload: .*config%.lua: backend: unknown key[^\n]*"
    n:wait_log "reload failed: generation 1 goes on serving"
    assert.equal(200, n:get("/").status)
    assert.same(before, n:children())
    write(n, "return {")
    n:signal "HUP"
    n:wait_log "error reload: [^\n]*config%.lua:1: "
    write(n, neap.config { origin.start { name = "mended" } })
    reload(n, 4)
    assert.equal("mended", n:get("/").body)
  end)

  it("survives a config that loops or kills its process", function()
    local n = neap.start { config = neap.config { origin.start {} }, allow = { "reload" } }
    write(n, "while true do end")
    n:signal "HUP"
    n:wait_log("reload failed: generation 1", 45) -- 3 s of CPU may take long
    write(n, 'local t = {} for i = 1, 2^40 do t[i] = ("x"):rep(2^20) .. i end return t')
    n:signal "HUP"
    eventually(function() return n:count_log "reload failed" == 2 end, 45)
    assert.equal(200, n:get("/").status)
  end)

  it("keeps a second HUP meanwhile as one more, not as many", function()
    local n = neap.start { config = neap.config { origin.start {} } }
    for _ = 1, 20 do n:signal "HUP" end
    n:wait_log("generation %d serves", 10)
    eventually.always(function() return n:count_log "generation 5 serves" == 0 end, 0.5)
    assert.equal(200, n:get("/").status)
  end)

  it("takes over the log's target and the pid file", function()
    local web = origin.start {}
    local n = neap.start {
      config = neap.config({ web }, 'log = { target = "a.log" }, pid_file = "a.pid"'),
      log_file = "a.log",
    }
    assert.equal(n.pid, tonumber(scope.read(n.dir .. "/a.pid")))
    write(n, neap.config({ web }, 'log = { target = "b.log" }, pid_file = "b.pid"'))
    n:signal "HUP"
    n.log_file = "b.log"
    n:wait_log "generation 2 serves"
    assert.matches(("info another config: the log goes on in %s/b%%.log\n")
      :format(n.dir:gsub("%p", "%%%0")), scope.read(n.dir .. "/a.log"))
    assert.equal("", scope.read(n.dir .. "/a.pid"))
    assert.equal(n.pid, tonumber(scope.read(n.dir .. "/b.pid")))
  end)

  it("works for a daemon, whose folder is another one by then", function()
    local web = origin.start {}
    local config = neap.config({ web }, 'log = { target = "n.log" }, pid_file = "n.pid"')
    local dir = scope.directory()
    scope.write(dir .. "/config.lua", config)
    assert.equal(0, (neap.run({ "-d", "-c", "config.lua" }, { cwd = dir })))
    local pid = tonumber(scope.read(dir .. "/n.pid"))
    process.signal(pid, "HUP")
    eventually(function() return scope.read(dir .. "/n.log"):find "generation 2 serves" end)
    local port = scope.read(dir .. "/n.log"):match "ready: http 127.0.0.1:(%d+)"
    assert.equal(200, client.get(tonumber(port)).status)
    process.signal(pid, "TERM")
    eventually(function() return not process.exists(pid) end)
  end)
end)
