local lfs = require "lfs"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local function config(more)
  return neap.config({ origin.start {} }, 'log = { target = "neap.log" }, ' .. (more or ""))
end

local function stop(pid)
  local below = process.tree(pid)
  process.signal(pid, "TERM")
  eventually(function() return not process.exists(pid) end, 3)
  for _, child in ipairs(below) do assert.is_false(process.exists(child)) end
end

describe("-d", function()
  it("returns 0 when the daemon accepts connections", function()
    local dir = scope.directory()
    scope.write(dir .. "/config.lua", config())
    local args = { "-d", "-c", "config.lua", "-p", "neap.pid" }
    local code, stdout, stderr = neap.run(args, { cwd = dir })
    assert.same({ 0, "", "" }, { code, stdout, stderr })
    local pid = tonumber(scope.read(dir .. "/neap.pid"))
    finally(function() pcall(process.signal, pid, "KILL") end)
    local address = scope.read(dir .. "/neap.log"):match "ready: http (%S+);"
    assert.equal(200, client.get(address).status)
    assert.equal("/", lfs.symlinkattributes("/proc/" .. pid .. "/cwd", "target"))
    for fd = 0, 2 do
      for _, one in ipairs { pid, unpack(process.children(pid)) } do
        local link = ("/proc/%d/fd/%d"):format(one, fd)
        assert.equal("/dev/null", lfs.symlinkattributes(link, "target"))
      end
    end
    stop(pid)
  end)

  it("returns 1 with the error when it cannot start", function()
    local _, address = net.listen "127.0.0.1:0"
    local code, _, stderr = neap.run({ "-d", "-c", "config.lua" },
      { files = { ["config.lua"] = config(('listen = "%s"'):format(address)) } })
    assert.equal(1, code)
    assert.matches("^neap: [^\n]*in use[^\n]*\n$", stderr)
  end)

  it("needs a log that goes somewhere", function()
    local code, _, stderr = neap.run({ "-d", "-c", "config.lua" },
      { files = { ["config.lua"] = neap.config { 1 } } })
    assert.equal(1, code)
    assert.matches("neap: config%.lua: log%.target: a daemon %(%-d%) has no stderr", stderr)
  end)
end)
