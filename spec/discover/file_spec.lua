-- `discover = { type = "file" }`: the list is what the file says, as soon as it is written.
local admin = require "support.admin"
local null = require("cjson").null
local discovered = require "support.discovered"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

describe("a file of backends", function()
  local function start(name, text, more)
    return discovered.start(('type = "file", path = %q'):format(name), more,
      { files = { [name] = text }, binary = neap.open_binary() })
  end

  local function set(n, name, text)
    scope.write(n.dir .. "/" .. name .. ".new", text)
    assert(os.rename(n.dir .. "/" .. name .. ".new", n.dir .. "/" .. name))
  end

  it("is in force in all workers when it has changed", function()
    local web = origin.several(2)
    local n = start("members.json", ('["%s"]'):format(web[1].address), "workers = 2,")
    for _ = 1, 6 do assert.equal("web1", n:get("/").body) end
    set(n, "members.json", ('{"backends":[{"url":"%s","weight":2}],"revision":"v2"}')
      :format(web[2].url))
    eventually(function() return admin.status(n).pools[1].discover.revision == "v2" end, 2)
    for _ = 1, 6 do assert.equal("web2", n:get("/").body) end
    local pool = admin.status(n).pools[1]
    assert.equal("file", pool.discover.type)
    assert.equal("v2", pool.backends[1].listed.revision)
    assert.is_true(admin.status(n).now - pool.discover.answered < 5)
  end)

  it("may be Lua, or groups of targets with labels", function()
    local web = origin.several(2)
    local n = start("members.lua", ('local host = "127.0.0.1:"\nreturn { host .. %d }')
      :format(web[1].port))
    assert.equal("web1", n:get("/").body)
    local m = start("groups.json", ('[{"targets":["%s"],"labels":{"rack":"a"}}]')
      :format(web[2].address))
    assert.equal("web2", m:get("/").body)
    assert.equal("a", admin.status(m).pools[1].backends[1].tags.rack)
  end)

  local BROKEN = {
    ["is half written"] = '["127.0.0.1:1', ["is empty"] = "", ["is another thing"] = '{"a":1}',
    ["is no list"] = "7", ["has too deep a list"] = ("["):rep(100000),
    ["is too large"] = '["' .. ("x"):rep(5000000) .. '"]',
  }

  for how, text in pairs(BROKEN) do
    it("changes nothing when it " .. how, function()
      local web = origin.several(2)
      local n = start("members.json", ('["%s"]'):format(web[1].address))
      set(n, "members.json", text)
      local found = eventually(function()
        local found = admin.status(n).pools[1].discover
        return found.error ~= null and found
      end)
      assert.is_true(#found.error < 400)
      assert.equal("web1", n:get("/").body)
      assert.equal(1, n:count_log "its backends stay as they are")
      set(n, "members.json", ('["%s"]'):format(web[2].address))
      eventually(function() return n:get("/").body == "web2" end)
      assert.equal(1, n:count_log "works again")
    end)
  end

  it("that is gone, a pipe, or runs for ever changes nothing", function()
    local web = origin.start {}
    local text = ('return { "%s" }'):format(web.address)
    local n = start("members.lua", text)
    local path = n.dir .. "/members.lua"
    os.remove(path)
    n:wait_log "cannot be looked at: No such file"
    assert.equal(0, (process.run { argv = { "mkfifo", path } }))
    n:wait_log "not a regular file"
    os.remove(path)
    set(n, "members.lua", "while true do end")
    n:wait_log "members.lua: it erred.*ran for more than"
    assert.equal(200, n:get("/").status)
    set(n, "members.lua", text)
    eventually(function() return admin.status(n).pools[1].discover.error == null end, 20)
  end)

  it("is not asked for what the policy's hook would say", function()
    local web = origin.start {}
    local n = start("members.json", ('["%s"]'):format(web.address),
      'policy = { discover = function() return { "http://127.0.0.1:1" } end },')
    assert.equal(200, n:get("/").status)
  end)

  it("keeps revisions and ages over a reload and the agent's death", function()
    local web = origin.start {}
    local n = start("members.json", ('{"backends":["%s"],"revision":"v1"}'):format(web.address))
    local before = eventually(function()
      local backend = admin.status(n).pools[1].backends[1]
      return backend and backend.listed
    end)
    n:allow "starting another"
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 20)
    assert.same(before, admin.status(n).pools[1].backends[1].listed)
    local pid = n:agent()
    process.signal(pid, "KILL")
    eventually(function() return n:agent() and n:agent() ~= pid end)
    local after = eventually(function()
      local ok, status = pcall(admin.status, n)
      return ok and status.pools[1].backends[1].listed
    end)
    assert.same(before, after)
  end)
end)
