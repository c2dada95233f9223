local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

-- → the process, its log function; started with so many open files, and no right to more
local function start(files, more)
  local dir = scope.directory()
  scope.write(dir .. "/config.lua", neap.config({ origin.start {} }, more))
  local p = process.spawn {
    argv = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "prlimit",
      "--nofile=" .. files, neap.open_binary(), "-c", "config.lua" },
    cwd = dir,
  }
  local address = eventually(function() return p:stderr():match "ready: http (%S+);" end)
  return p, address
end

local function soft_limit(pid)
  local text = scope.read(("/proc/%d/limits"):format(pid))
  return tonumber(text:match "Max open files%s+(%d+)")
end

local is_root = require("posix.unistd").geteuid() == 0

describe("the limit of open files", function()
  it("is raised as far as the connections need it", function()
    if not is_root then return pending "needs root" end
    local p = start("64:4096", "limits = { connections = 500 }")
    for _, pid in ipairs(process.children(p.pid)) do
      local is_agent = process.name(pid):find "agent"
      assert.equal(is_agent and 4096 or 1128, soft_limit(pid))
    end
    assert.not_matches("limits%.connections", p:stderr())
    p:kill()
    assert.equal(0, p:wait())
  end)

  it("lowers limits.connections where it cannot be raised, with a warning", function()
    if not is_root then return pending "needs root" end
    local p, address = start("64:64", "limits = { connections = 500 }")
    local warning = "warn limits%.connections = 500 needs 1128 open files, the limit is 64: "
      .. "each worker serves 24 connections"
    assert.matches(warning, p:stderr())
    local open = {}
    for index = 1, 24 do open[index] = client.connect(address) end
    assert.equal(200, open[24]:request("GET", "/").status)
    p:kill()
    assert.equal(0, p:wait())
  end)
end)
