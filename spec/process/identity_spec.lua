local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local NOBODY = 65534
local is_root = unistd.geteuid() == 0

local function status(pid, field)
  return scope.read(("/proc/%d/status"):format(pid)):match("\n" .. field .. ":%s*(%d+)")
end

local function refused(config)
  local code, _, stderr = neap.run({ "-c", "config.lua" }, { files = { ["config.lua"] = config } })
  assert.equal(1, code)
  return stderr
end

describe("the rights of processes", function()
  local function as_root(name, fn)
    it(name, function()
      if not is_root then return pending "needs root" end
      fn()
    end)
  end

  as_root("are those of `user` for agent and workers, root's for the master", function()
    local n = neap.start { config = neap.config({ origin.start {} }, 'user = "nobody"') }
    assert.equal("0", status(n.pid, "Uid"))
    assert.equal(2, #n:children())
    for _, pid in ipairs(n:children()) do
      assert.equal(tostring(NOBODY), status(pid, "Uid"))
      assert.equal(tostring(NOBODY), status(pid, "Gid"))
      assert.equal("1", status(pid, "NoNewPrivs"))
    end
    assert.equal(200, n:get("/").status)
    assert.equal(0, n:count_log "running as root")
  end)

  as_root("of a replaced worker are the same", function()
    local n = neap.start {
      config = neap.config({ origin.start {} }, 'user = "nobody"'),
      allow = { "was killed by" },
    }
    local old = n:workers()[1]
    process.signal(old, "KILL")
    eventually(function()
      local pid = n:workers()[1]
      return pid and pid ~= old and status(pid, "Uid") == tostring(NOBODY)
    end)
  end)

  as_root("allow a config that only root can read", function()
    local dir = scope.directory()
    scope.write(dir .. "/config.lua", neap.config({ origin.start {} }, 'user = "nobody"'))
    stat.chmod(dir .. "/config.lua", tonumber("600", 8))
    local n = neap.start { config = { path = dir .. "/config.lua" } }
    assert.equal(200, n:get("/").status)
  end)

  as_root("allow a policy that only the user's group can read", function()
    local dir = scope.directory()
    scope.write(dir .. "/own.lua", 'return { request = function() end }')
    stat.chmod(dir .. "/own.lua", tonumber("640", 8))
    unistd.chown(dir .. "/own.lua", 0, 1) -- daemon's
    local more = 'user = "daemon", policy = "own.lua"'
    scope.write(dir .. "/config.lua", neap.config({ origin.start {} }, more))
    local code, output = neap.check { path = dir .. "/config.lua" }
    assert.same({ 0, dir .. "/config.lua: ok\n" }, { code, output })
    local n = neap.start { config = { path = dir .. "/config.lua" } }
    assert.equal(200, n:get("/").status)
  end)

  as_root("go with a group of its own", function()
    local more = 'user = "nobody", group = "daemon"'
    local n = neap.start { config = neap.config({ origin.start {} }, more) }
    assert.equal("1", status(n:workers()[1], "Gid"))
  end)

  as_root("let workers open the log again after rotation", function()
    local n = neap.start {
      config = neap.config({ origin.start {} }, 'user = "nobody", log = { target = "neap.log" }'),
      log_file = "neap.log",
    }
    assert(os.rename(n.dir .. "/neap.log", n.dir .. "/old.log"))
    n:signal "USR1"
    eventually(function()
      local info = stat.stat(n.dir .. "/neap.log")
      return info and info.st_uid == NOBODY
    end)
  end)

  as_root("do not open a policy: who could not is named", function()
    local dir = scope.directory()
    stat.chmod(dir, tonumber("755", 8))
    scope.write(dir .. "/config.lua", neap.config({ 1 }, 'user = "daemon", policy = "policy.lua"'))
    scope.write(dir .. "/policy.lua", "return {}")
    stat.chmod(dir .. "/policy.lua", tonumber("600", 8))
    for _, args in ipairs { { "-c", "config.lua" }, { "-t", "-c", "config.lua" } } do
      local code, stdout, stderr = neap.run(args, { cwd = dir })
      assert.equal(1, code)
      assert.matches("policy%.lua: cannot be opened by user 'daemon': Permission denied",
        stdout .. stderr)
    end
  end)

  as_root("are said to be too many when there is no user", function()
    local n = neap.start { config = neap.config { origin.start {} } }
    n:wait_log "warn running as root, and all that serves with it: set user"
  end)

  as_root("are not guessed: an unknown user or group is an error", function()
    assert.matches("^neap: config%.lua: user: there is no user 'noone'",
      refused(neap.config({ 1 }, 'user = "noone"')))
    assert.matches("^neap: config%.lua: group: there is no group 'nogroups'",
      refused(neap.config({ 1 }, 'user = "nobody", group = "nogroups"')))
  end)

  as_root("cannot be changed by somebody who is not root", function()
    local dir = scope.directory()
    scope.write(dir .. "/config.lua", neap.config({ 1 }, 'user = "daemon"'))
    local code, _, stderr = process.run {
      argv = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", neap.open_binary(),
        "-c", "config.lua" },
      cwd = dir,
    }
    assert.equal(1, code)
    assert.matches("neap: config%.lua: user: only root can run as 'daemon'", stderr)
  end)
end)
