local client = require "support.client"
local cpu = require "support.cpu"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

-- Every write to /dev/full fails as on a full disk.
local function start_on_full_disk(more)
  local dir = scope.directory()
  local address = "unix:" .. dir .. "/s"
  scope.write(dir .. "/config.lua", proxied.config({ origin.start {} },
    ('listen = "%s", log = { target = "/dev/full", level = "debug" }, %s'):format(address, more)))
  local p = process.spawn { argv = { neap.binary, "-c", "config.lua" }, cwd = dir }
  eventually(function() return client.get(address, "/").status == 200 end)
  return p, address
end

-- A file system of a few pages, in a mount namespace of the balancer's own.
local function start_on_small_disk()
  local dir = scope.directory()
  local address = "unix:" .. dir .. "/s"
  scope.write(dir .. "/config.lua", proxied.config({ origin.start {} },
    ('listen = "%s", log = { target = "disk/neap.log", level = "info" }, policy = %s'):format(
      address, [[{ log = function(request)
        require "neap".log.info("asked for %s", request.path)
      end }]])))
  local p = process.spawn { cwd = dir, argv = { "unshare", "--mount", "sh", "-c",
    'mkdir disk && mount -t tmpfs -o size=16k none disk && exec "$0" -c config.lua', neap.binary } }
  eventually(function() return client.get(address, "/").status == 200 end)
  return address, ("/proc/%d/root%s/disk/neap.log"):format(p.pid, dir)
end

describe("a small disk under the log", function()
  it("has the log go on when there is room again, which says how much is missing", function()
    local address, path = start_on_small_disk()
    for i = 1, 450 do assert.equal(200, client.get(address, "/full/" .. i).status) end
    assert.equal(16384, #scope.read(path))
    scope.write(path, "")
    assert.equal(200, client.get(address, "/room").status)
    -- A line is written after its answer.
    eventually(function() return scope.read(path):find("asked for /room\n$") ~= nil end)
    local lost = scope.read(path)
      :match "warn lines of this log that could not be written: (%d+) %(No space"
    assert.is_true(tonumber(lost) > 50)
    assert.equal(200, client.get(address, "/more").status)
    eventually(function() return scope.read(path):find("asked for /more\n$") ~= nil end)
  end)
end)

describe("a full disk under the log", function()
  it("costs nothing but lines of the log", function()
    local p, address = start_on_full_disk [[policy = { log = function()
      require "neap".log.info "a line for each request"
    end }]]
    for _ = 1, 50 do assert.equal(200, client.get(address, "/").status) end
    for _, pid in ipairs(process.children(p.pid)) do assert.is_true(cpu.share(pid, 0.3) < 0.3) end
    process.signal(p.pid, "USR1")
    assert.equal(200, client.get(address, "/").status)
    p:kill()
    assert.equal(0, p:wait())
  end)

  it("does not keep a worker from being replaced", function()
    local p, address = start_on_full_disk ""
    for _, pid in ipairs(process.children(p.pid)) do
      if process.name(pid):find "worker" then process.signal(pid, "KILL") end
    end
    eventually(function()
      local ok, response = pcall(client.get, address, "/")
      return ok and response and response.status == 200
    end)
    p:kill()
    assert.equal(0, p:wait())
  end)
end)
