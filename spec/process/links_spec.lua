local dirent = require "posix.dirent"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"
local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"

local NOBODY = 65534
local is_root = unistd.geteuid() == 0

-- A folder of `user`, one of root's beside it, and a config.
local function place(more)
  local dir = scope.directory()
  assert(stat.chmod(dir, tonumber("755", 8)))
  assert(stat.mkdir(dir .. "/own"))
  assert(unistd.chown(dir .. "/own", NOBODY, 0))
  assert(stat.mkdir(dir .. "/roots", tonumber("700", 8)))
  scope.write(dir .. "/config.lua",
    neap.config({ origin.start {} }, 'user = "nobody", ' .. more:gsub("DIR", dir)))
  return dir
end

-- log: where the config's log goes.
local function start(dir, log)
  return neap.start {
    config = { path = dir .. "/config.lua" },
    allow = { "cannot open the log file", "reload" },
    log_file = log,
  }
end

local function refused(dir)
  local code, _, stderr = neap.run({ "-c", dir .. "/config.lua" }, { limit = 10 })
  assert.equal(1, code)
  return stderr
end

-- What the user may do in its own folder.
local function link_as_user(target, path)
  assert(unistd.link(target, path, true))
  os.execute(("chown -h nobody '%s'"):format(path))
end

local function is_empty(dir) return #dirent.dir(dir .. "/roots") == 2 end -- "." and ".."

local function mode(path)
  return ("%o"):format(bit.band(stat.stat(path).st_mode, tonumber("777", 8)))
end

local function as_root(name, fn)
  it(name, function()
    if not is_root then return pending "needs root" end
    fn()
  end)
end

describe("a link of `user` in its own folder", function()
  as_root("leads the log nowhere at USR1 and at a reload; the old file goes on", function()
    local dir = place 'log = { target = "DIR/own/neap.log" }'
    local n = start(dir, dir .. "/own/neap.log")
    assert(os.rename(dir .. "/own/neap.log", dir .. "/own/old.log"))
    n.log_file = dir .. "/own/old.log"
    link_as_user("../roots/made", dir .. "/own/neap.log")
    n:signal "USR1"
    n:wait_log "cannot open the log file .*/own/neap%.log: a symbolic link in a folder that"
    n:signal "HUP"
    n:wait_log "reload failed"
    assert.is_true(is_empty(dir))
    assert.equal(200, n:get("/").status)
  end)

  for key, more in pairs {
    ["log.target"] = 'log = { target = "DIR/own/sub/neap.log" }',
    pid_file = 'pid_file = "DIR/own/sub/neap.pid"',
    listen = 'listen = "unix:DIR/own/sub/front"',
    ["admin.listen"] = 'admin = { listen = "unix:DIR/own/sub/admin" }',
  } do
    as_root("as a folder on the way is refused at the start: " .. key, function()
      local dir = place(more)
      link_as_user("../roots", dir .. "/own/sub")
      assert.matches("a symbolic link in a folder that others may write to", refused(dir))
      assert.is_true(is_empty(dir))
    end)
  end

  as_root("to a file elsewhere by a second name is refused", function()
    local dir = place 'log = { target = "DIR/own/neap.log" }'
    scope.write(dir .. "/roots/precious", "keep me")
    assert(unistd.link(dir .. "/roots/precious", dir .. "/own/neap.log"))
    assert.matches("it is no plain file with this one name", refused(dir))
    assert.equal("keep me", scope.read(dir .. "/roots/precious"))
    assert.equal(0, stat.stat(dir .. "/roots/precious").st_uid)
  end)

  as_root("in the admin socket's place changes no mode, and is not removed", function()
    local dir = place 'admin = { listen = "unix:DIR/own/admin", mode = "0666" }'
    scope.write(dir .. "/roots/precious", "keep me")
    stat.chmod(dir .. "/roots/precious", tonumber("600", 8))
    local n = start(dir)
    assert(os.remove(dir .. "/own/admin"))
    link_as_user("../roots/precious", dir .. "/own/admin")
    n:signal "HUP"
    n:wait_log "reload"
    assert.equal("600", mode(dir .. "/roots/precious"))
    n:stop()
    assert.equal("keep me", scope.read(dir .. "/roots/precious"))
    assert.is_truthy(stat.lstat(dir .. "/own/admin"))
  end)
end)

describe("a file that root opens in a folder of `user`", function()
  as_root("is the user's: log, sockets and pid file work there", function()
    local dir = place [[log = { target = "DIR/own/neap.log" }, pid_file = "DIR/own/neap.pid",
      listen = "unix:DIR/own/front", admin = { listen = "unix:DIR/own/admin", mode = "0660" }]]
    local n = start(dir, dir .. "/own/neap.log")
    assert.equal(200, client.get("unix:" .. dir .. "/own/front").status)
    assert.equal(NOBODY, stat.stat(dir .. "/own/neap.log").st_uid)
    assert.equal("660", mode(dir .. "/own/admin"))
    n:stop()
    assert.same({}, { stat.stat(dir .. "/own/front"), (stat.stat(dir .. "/own/admin")) })
  end)
end)

describe("a link of the administrator's", function()
  as_root("is followed, as a name and as a folder", function()
    local dir = place 'log = { target = "DIR/way/neap.log" }'
    assert(stat.mkdir(dir .. "/far"))
    assert(unistd.link("far", dir .. "/way", true))
    assert(unistd.link("named.log", dir .. "/far/neap.log", true))
    local n = start(dir, dir .. "/far/named.log")
    assert(os.rename(dir .. "/far/named.log", dir .. "/far/old.log"))
    n:signal "USR1"
    eventually(function() return stat.stat(dir .. "/far/named.log") end)
    n:signal "HUP"
    n:wait_log "reloaded: generation 2"
  end)

  as_root("/dev/stderr works for a user that could not open it itself", function()
    local dir = place 'log = { target = "/dev/stderr" }'
    local n = start(dir)
    n:signal "USR1"
    n:signal "HUP"
    n:wait_log "reloaded: generation 2"
  end)
end)
