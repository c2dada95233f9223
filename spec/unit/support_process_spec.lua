local eventually = require "support.eventually"
local process = require "support.process"
local scope = require "support.scope"

describe("process", function()
  it("runs a program and gives its code and output", function()
    local code, out, err = process.run {
      argv = { "sh", "-c", "echo $GREETING; cat; echo bad >&2; exit 3" },
      env = { GREETING = "hello" },
      stdin = "input\n",
    }
    assert.equals(3, code)
    assert.equals("hello\ninput\n", out)
    assert.equals("bad\n", err)
  end)

  it("ends everything that was started, children too", function()
    scope.open()
    local p = process.spawn { argv = { "sh", "-c", "sleep 100 & sleep 100 & wait" } }
    eventually(function() return #process.tree(p.pid) == 2 end)
    local pids = process.tree(p.pid)
    table.insert(pids, p.pid)
    scope.close(true)
    scope.open()
    for _, pid in ipairs(pids) do
      eventually(function() return not process.exists(pid) end)
    end
  end)

  it("tells how a program ended", function()
    local p = process.spawn { argv = { "sleep", "100" } }
    assert.is_true(p:alive())
    p:kill "KILL"
    local code, how = p:wait()
    assert.equals(137, code)
    assert.equals("killed", how)
    assert.is_false(p:alive())
    assert.equals(127, (process.run { argv = { "/no/such/program" } }))
  end)

  it("finds a process that outlived its parent", function()
    local daemon = "setsid sleep 100 >/dev/null 2>&1 & echo $!"
    local _, out = process.run { argv = { "sh", "-c", daemon } }
    local ok, err = pcall(process.check_leftovers)
    assert.is_false(ok)
    assert.matches("left behind: " .. tonumber(out), err)
    eventually(function() return not process.exists(tonumber(out)) end)
  end)
end)
