local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local function start_with(path)
  return neap.start { config = neap.config { origin.start {} }, args = { "-p", path } }
end

local function refused(path)
  local code, _, stderr = neap.run({ "-c", "config.lua", "-p", path },
    { files = { ["config.lua"] = neap.config { 1 } } })
  assert.equal(1, code)
  return stderr
end

describe("the pid file", function()
  it("holds the master's pid and goes with it", function()
    local path = scope.directory() .. "/neap.pid"
    local n = start_with(path)
    assert.equal(n.pid .. "\n", scope.read(path))
    n:stop()
    assert.is_nil(stat.stat(path))
  end)

  it("may be named by the config", function()
    local path = scope.directory() .. "/neap.pid"
    local more = ('pid_file = "%s"'):format(path)
    local n = neap.start { config = neap.config({ origin.start {} }, more) }
    assert.equal(n.pid .. "\n", scope.read(path))
  end)

  it("of another instance stays when this one ends", function()
    local path = scope.directory() .. "/neap.pid"
    local first = start_with(path)
    assert(os.remove(path)) -- as one who tidies up does
    local second = start_with(path)
    first:stop()
    assert.equal(second.pid .. "\n", scope.read(path))
    second:stop()
    assert.is_nil(stat.stat(path))
  end)

  it("stays when somebody has written another pid into it", function()
    local path = scope.directory() .. "/neap.pid"
    local n = start_with(path)
    scope.write(path, "1\n")
    n:stop()
    assert.equal("1\n", scope.read(path))
  end)

  it("keeps a second instance out, which names the first", function()
    local path = scope.directory() .. "/neap.pid"
    local n = start_with(path)
    assert.matches("pid file .*/neap%.pid: neap runs already, as pid " .. n.pid, refused(path))
    assert.equal(n.pid .. "\n", scope.read(path))
    assert.equal(200, n:get("/").status)
  end)

  it("that a killed instance left is taken over", function()
    local path = scope.directory() .. "/neap.pid"
    scope.write(path, "999999\n")
    local n = start_with(path)
    assert.equal(n.pid .. "\n", scope.read(path))
  end)

  it("is never written through a symbolic link", function()
    local dir = scope.directory()
    scope.write(dir .. "/precious", "keep me")
    assert(unistd.link(dir .. "/precious", dir .. "/neap.pid", true))
    assert.matches("is a symbolic link", refused(dir .. "/neap.pid"))
    assert.equal("keep me", scope.read(dir .. "/precious"))
  end)

  it("is never written over somebody else's file", function()
    local dir = scope.directory()
    scope.write(dir .. "/precious", "keep me")
    assert(unistd.link(dir .. "/precious", dir .. "/neap.pid"))
    assert.matches("not a file that neap made", refused(dir .. "/neap.pid"))
    assert.equal("keep me", scope.read(dir .. "/precious"))
  end)

  it("in a folder that is not there is an error", function()
    local stderr = refused "/nonexistent/neap.pid"
    assert.matches("pid file /nonexistent/neap%.pid: cannot open it: No such file", stderr)
  end)
end)
