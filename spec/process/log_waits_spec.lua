local client = require "support.client"
local eventually = require "support.eventually"
local fcntl = require "posix.fcntl"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"
local stat = require "posix.sys.stat"
local stdlib = require "posix.stdlib"
local unistd = require "posix.unistd"

local is_root = unistd.geteuid() == 0
local NOISY = 'policy = { request = function() require "neap".log.info(("z"):rep(2500)) end }, '

local function fifo()
  local path = scope.directory() .. "/pipe"
  assert(stat.mkfifo(path, tonumber("600", 8)))
  return path
end

-- A descriptor that keeps both ends of the FIFO open.
local function held(path)
  local fd = assert(fcntl.open(path, bit.bor(fcntl.O_RDWR, fcntl.O_NONBLOCK)))
  finally(function() unistd.close(fd) end)
  return fd
end

-- neap with that as its standard error, on a unix socket; ready when it answers.
local function start(stderr, prefix)
  local dir = scope.directory()
  stat.chmod(dir, tonumber("777", 8))
  local listen = ('workers = 2, listen = "unix:%s/front"'):format(dir)
  scope.write(dir .. "/config.lua", neap.config({ origin.start {} }, NOISY .. listen))
  local command = 'exec %s "%s" -c config.lua 2>"%s"'
  command = command:format(prefix or "", neap.open_binary(), stderr)
  local p = process.spawn { argv = { "sh", "-c", command }, cwd = dir }
  p.address = "unix:" .. dir .. "/front"
  eventually(function() return client.get(p.address).status == 200 end, 10)
  return p
end

-- Far more than a pipe or a terminal holds.
local function serves_on(p)
  local before = process.children(p.pid)
  for _ = 1, 80 do assert.equal(200, client.get(p.address).status) end
  assert.same(before, process.children(p.pid))
  p:kill "HUP" -- the master writes as well
  for _ = 1, 20 do assert.equal(200, client.get(p.address).status) end
end

local function ends(p)
  p:kill "TERM"
  assert.equal(0, (p:wait()))
end

describe("standard error that nobody reads", function()
  it("holds up nobody when it is a pipe; what was lost is told", function()
    local path = fifo()
    local reader = held(path)
    local p = start(path)
    serves_on(p)
    local text = ""
    eventually(function()
      client.get(p.address)
      text = (text .. (unistd.read(reader, 65536) or "")):sub(-200000)
      return text:match "lines of this log that could not be written: %d+"
    end)
    ends(p)
  end)

  it("holds up nobody when the pipe is another user's", function()
    if not is_root then return pending "needs root" end
    local path = fifo()
    held(path)
    local p = start(path, "setpriv --reuid=65534 --regid=65534 --clear-groups")
    serves_on(p)
    ends(p)
  end)

  it("holds up nobody when it is a terminal", function()
    local master = assert(stdlib.openpt(bit.bor(fcntl.O_RDWR, fcntl.O_NOCTTY)))
    finally(function() unistd.close(master) end)
    stdlib.grantpt(master)
    stdlib.unlockpt(master)
    local p = start(stdlib.ptsname(master))
    serves_on(p)
    ends(p)
  end)

  it("keeps its description as it was: that is shared with others", function()
    local path = fifo()
    local p = start(path, ("3<>%s"):format(path))
    local flags = scope.read(("/proc/%d/fdinfo/2"):format(p.pid)):match "flags:%s*(%d+)"
    assert.equal(0, bit.band(tonumber(flags, 8), fcntl.O_NONBLOCK))
    ends(p)
  end)
end)

describe("a FIFO as the log's target", function()
  for _, key in ipairs { "log", "access_log" } do
    it(key .. ": that nobody reads holds up neither start nor rotation nor reload", function()
      local path = fifo()
      local more = ('%s = { target = "%s" }, '):format(key, path)
      if key == "access_log" then more = more .. 'log = { target = "neap.log" }, ' end
      local dir = scope.directory()
      local listen = ('listen = "unix:%s/front"'):format(dir)
      scope.write(dir .. "/config.lua", neap.config({ origin.start {} }, NOISY .. more .. listen))
      local p = process.spawn { argv = { neap.binary, "-c", "config.lua" }, cwd = dir }
      p.address = "unix:" .. dir .. "/front"
      eventually(function() return client.get(p.address).status == 200 end, 10)
      serves_on(p)
      p:kill "USR1"
      for _ = 1, 20 do assert.equal(200, client.get(p.address).status) end
      local code, stdout = neap.run { "reload", "--pid", tostring(p.pid) }
      assert.same({ 0, true }, { code, stdout:find "generation %d+ serves" ~= nil })
      ends(p)
    end)
  end

  it("has its lines for whoever reads it later", function()
    local path = fifo()
    local n
    local dir = scope.directory()
    local more = ('log = { target = "%s" }, listen = "unix:%s/front"'):format(path, dir)
    scope.write(dir .. "/config.lua", neap.config({ origin.start {} }, more))
    n = process.spawn { argv = { neap.binary, "-c", "config.lua" }, cwd = dir }
    eventually(function() return client.get("unix:" .. dir .. "/front").status == 200 end, 10)
    local reader = assert(fcntl.open(path, bit.bor(fcntl.O_RDONLY, fcntl.O_NONBLOCK)))
    finally(function() unistd.close(reader) end)
    assert.matches("ready: ", unistd.read(reader, 65536))
    ends(n)
  end)
end)
