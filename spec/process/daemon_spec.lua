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

  it("goes on in the same access log after a reload, USR1 and a worker's end", function()
    local dir = scope.directory()
    local function write(more)
      scope.write(dir .. "/config.lua",
        config('access_log = { target = "access.log" }, ' .. (more or "")))
    end
    write()
    local code, _, stderr = neap.run({ "-d", "-c", "config.lua", "-p", "neap.pid" }, { cwd = dir })
    assert.same({ 0, "" }, { code, stderr })
    local pid = tonumber(scope.read(dir .. "/neap.pid"))
    finally(function() pcall(process.signal, pid, "KILL") end)
    local function log() return scope.read(dir .. "/neap.log") end
    local function lands(path)
      local address
      for found in log():gmatch "ready: http (%S+);" do address = found end
      eventually(function()
        local ok, answer = pcall(client.get, address, path)
        return ok and answer.status == 200
      end)
      eventually(function()
        local text = io.open(dir .. "/access.log") and scope.read(dir .. "/access.log")
        return text and text:find("GET " .. path, 1, true)
      end)
    end
    lands "/first"
    os.rename(dir .. "/access.log", dir .. "/access.log.1")
    process.signal(pid, "USR1")
    lands "/reopened"
    process.signal(pid, "HUP")
    eventually(function() return log():find "generation 2" end)
    lands "/reloaded"
    eventually(function() return #process.children(pid) == 2 end)
    for _, child in ipairs(process.children(pid)) do
      if process.command_line(child):find "worker" then
        process.signal(child, "KILL")
        eventually(function() return log():find(("(pid %d)"):format(child), 1, true) end)
      end
    end
    lands "/restarted"
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
