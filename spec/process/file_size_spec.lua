local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"
local stat = require "posix.sys.stat"

-- ulimit counts blocks of 512 bytes.
local function limited(blocks)
  local path = scope.directory() .. "/wrapper"
  scope.write(path, ('#!/bin/sh\nulimit -f %d\nexec "%s" "$@"\n'):format(blocks, neap.binary))
  stat.chmod(path, tonumber("755", 8))
  return path
end

local NOISY = 'policy = { request = function() require "neap".log.info(("z"):rep(3000)) end }, '

describe("a log at its size limit", function()
  for name, targets in pairs {
    ["the log"] = 'log = { target = "neap.log" }',
    ["the access log"] = 'log = { target = "neap.log" }, access_log = { target = "access.log" }',
  } do
    it(name .. " costs lines, never requests", function()
      local n = neap.start {
        config = neap.config({ origin.start {} }, NOISY .. targets .. ", workers = 2"),
        log_file = "neap.log",
        binary = limited(100),
      }
      local before = n:children()
      for _ = 1, 100 do assert.equal(200, n:get("/" .. ("x"):rep(500)).status) end
      assert.same(before, n:children())
      assert.is_true(stat.stat(n.dir .. "/neap.log").st_size <= 51200)
      n:signal "USR1"
      assert.equal(200, n:get("/").status)
    end)
  end

  it("tells how much was lost as soon as lines get through again", function()
    local n = neap.start {
      config = neap.config({ origin.start {} }, NOISY .. 'log = { target = "neap.log" }'),
      log_file = "neap.log",
      binary = limited(100),
    }
    for _ = 1, 40 do n:get "/" end
    os.rename(n.dir .. "/neap.log", n.dir .. "/old.log")
    n:signal "USR1"
    eventually(function()
      n:get "/"
      return n:log():match "lines of this log that could not be written: %d+ %(File too large%)"
    end)
  end)
end)

describe("a file that cannot be written for its size", function()
  it("is a clear error where it is needed", function()
    local dir = scope.directory()
    scope.write(dir .. "/config.lua", neap.config { 1 })
    local argv = { limited(0), "-c", "config.lua", "-p", "neap.pid" }
    local code, how = process.spawn({ argv = argv, cwd = dir }):wait()
    assert.same({ 1, "exited" }, { code, how })
  end)
end)
