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
