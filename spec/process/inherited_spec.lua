local client = require "support.client"
local eventually = require "support.eventually"
local lfs = require "lfs"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"
local stat = require "posix.sys.stat"

-- A program that starts neap in the way that SCRIPT says; "$@" stands for its arguments.
local function wrapped(script)
  local path = scope.directory() .. "/wrapper"
  scope.write(path, ('#!/bin/sh\nset -- "%s" "$@"\n%s\n'):format(neap.binary, script))
  stat.chmod(path, tonumber("755", 8))
  return path
end

local function start(script, more)
  return neap.start {
    config = neap.config({ origin.start {} }, (more or "") .. 'log = { target = "neap.log" }'),
    log_file = "neap.log",
    binary = wrapped(script),
  }
end

local function leads_to(pid, fd)
  return lfs.symlinkattributes(("/proc/%d/fd/%d"):format(pid, fd), "target")
end

describe("started with closed standard descriptors", function()
  for closed, fds in pairs {
    [">&- 2>&-"] = { 1, 2 }, ["<&- >&- 2>&-"] = { 0, 1, 2 }, ["2>&-"] = { 2 },
  } do
    it(closed .. ", it has /dev/null there, and no line goes to a connection", function()
      local policy = 'policy = { request = function(r) print("SECRET " .. r.path) end }, '
      local n = start('exec "$@" ' .. closed, policy .. 'access_log = { target = "stdout" }, ')
      for _, pid in ipairs { n.pid, unpack(n:children()) } do
        for _, fd in ipairs(fds) do assert.equal("/dev/null", leads_to(pid, fd)) end
      end
      local c = client.connect(n.address)
      for i = 1, 3 do
        local answer = c:request("GET", "/" .. i)
        assert.same({ 200, "origin" }, { answer.status, answer.body })
      end
    end)
  end

  it("a command has its answer to itself, too", function()
    local code = process.run { argv = { wrapped 'exec "$@" >&- 2>&-', "-t", "-c", "config.lua" },
      cwd = scope.directory() }
    assert.equal(1, code) -- there is no such file
  end)
end)

describe("started with signals", function()
  for _, how in ipairs { "block", "ignore" } do
    for _, name in ipairs { "TERM", "QUIT", "CHLD", "INT", "USR1", "HUP" } do
      it(("%s %sed, it starts, reloads, and ends by TERM"):format(name, how), function()
        local n = start(('exec env --%s-signal=%s "$@"'):format(how, name))
        os.rename(n.dir .. "/neap.log", n.dir .. "/old.log")
        n:signal "USR1"
        eventually(function() return stat.stat(n.dir .. "/neap.log") end)
        n:signal "HUP"
        n:wait_log "reloaded: generation 2 serves"
        n:stop()
      end)
    end
  end

  it("all blocked or ignored, a command does its work", function()
    local dir = scope.directory()
    scope.write(dir .. "/config.lua", neap.config { 1 })
    local program = wrapped 'exec env --block-signal --ignore-signal "$@"'
    assert.equal(0, (process.run { argv = { program, "-t", "-c", "config.lua" }, cwd = dir }))
  end)

  it("HUP ignored, as nohup does, a command goes on when the terminal is closed", function()
    local n = neap.start {
      config = neap.config({ origin.start {} },
        'admin = { listen = "127.0.0.1:0", token_file = "token" }'),
      files = { token = ("x"):rep(32) .. "\n" },
    }
    local p = process.spawn { cwd = n.dir, argv = { wrapped 'exec env --ignore-signal=HUP "$@"',
      "record", "--seconds", "60", "out.jsonl", "--admin", n.admin, "--token-file", "token" } }
    eventually(function() return stat.stat(n.dir .. "/out.jsonl") end)
    p:kill "HUP"
    p:kill "TERM"
    local _, how = p:wait()
    assert.equal("exited", how)
  end)
end)

describe("a command whose output is not taken", function()
  it("says so, and fails", function()
    local dir = scope.directory()
    scope.write(dir .. "/config.lua", neap.config { 1 })
    local code, _, stderr = process.run {
      argv = { wrapped 'exec "$@" >/dev/full', "-t", "-c", "config.lua" }, cwd = dir,
    }
    assert.equal(1, code)
    assert.matches("neap: cannot write to standard output: No space left", stderr)
  end)
end)
