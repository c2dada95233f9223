local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"
local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"

local is_root = unistd.geteuid() == 0
local DAEMON = 1

local function mode(path, text) assert(stat.chmod(path, tonumber(text, 8))) end

-- A config that requires lib/list.lua in a folder that only its owner may enter.
local function private(user, owner)
  local dir = scope.directory()
  assert(stat.mkdir(dir .. "/lib"))
  scope.write(dir .. "/lib/list.lua", ('return { %q }'):format(origin.start({}).url))
  scope.write(dir .. "/config.lua", ([[return { %slisten = "127.0.0.1:0", workers = 1,
    health = { type = "none" }, backends = require "lib.list" }]]):format(user))
  if owner then assert(unistd.chown(dir, owner, owner)) end
  mode(dir, "700")
  mode(dir .. "/lib/list.lua", "600")
  return dir
end

local function as_root(name, fn)
  it(name, function()
    if not is_root then return pending "needs root" end
    fn()
  end)
end

describe("what a config requires beside it", function()
  for name, given in pairs {
    ["without a user"] = { "" },
    ["with a user who may not look there"] = { 'user = "daemon", ' },
    ["with a user whose folder it is"] = { 'user = "daemon", ', DAEMON },
  } do
    as_root("is read with root's rights in a private folder: " .. name, function()
      local dir = private(given[1], given[2])
      local code, output = neap.check { path = dir .. "/config.lua" }
      assert.same({ 0, dir .. "/config.lua: ok\n" }, { code, output })
      local n = neap.start { config = { path = dir .. "/config.lua" } }
      assert.equal(200, n:get("/").status)
      n:signal "HUP"
      n:wait_log "reloaded: generation 2"
      assert.equal(200, n:get("/").status)
    end)
  end

  as_root("is no link that the folder's owner may have made", function()
    local dir = private('user = "daemon", ', DAEMON)
    local secret = scope.directory() .. "/secret.lua"
    scope.write(secret, "return {}")
    mode(secret, "600")
    assert(os.remove(dir .. "/lib/list.lua"))
    assert(unistd.chown(dir .. "/lib", DAEMON, DAEMON))
    assert(unistd.link(secret, dir .. "/lib/list.lua", true))
    assert.equal(1, (neap.check { path = dir .. "/config.lua" }))
  end)

  as_root("ends with the config: a policy that it names by path has the user's rights", function()
    local dir = scope.directory()
    mode(dir, "755")
    scope.write(dir .. "/config.lua",
      neap.config({ origin.start {} }, 'user = "daemon", policy = "policy.lua"'))
    scope.write(dir .. "/policy.lua", 'return require "helper"')
    scope.write(dir .. "/helper.lua", "return {}")
    mode(dir .. "/helper.lua", "600")
    local code, output = neap.check { path = dir .. "/config.lua" }
    assert.equal(1, code)
    assert.matches("helper%.lua: cannot be opened by user 'daemon'", output)
  end)
end)
