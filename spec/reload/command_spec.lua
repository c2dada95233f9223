local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local function write(n, text) scope.write(n.dir .. "/config.lua", text) end

-- Are all connected to the master, and waiting for its answer?
local function all_wait(n, asking)
  local _, sockets = scope.read("/proc/net/unix"):gsub("@neap%-%x+%-" .. n.pid .. "\n", "")
  for _, p in ipairs(asking) do
    if process.state(p.pid) ~= "S" then return false end
  end
  return sockets == 1 + #asking
end

describe("neap reload", function()
  it("returns when the new generation serves, and says its number", function()
    local n = neap.start { config = neap.config { origin.start { name = "old" } } }
    write(n, neap.config { origin.start { name = "new" } })
    local code, stdout, stderr = neap.run { "reload", "--pid", n.pid }
    assert.equal(0, code)
    assert.equal(("reloaded: generation 2 serves (pid %d, %s/config.lua)\n"):format(n.pid, n.dir),
      stdout)
    assert.equal("", stderr)
    assert.equal("new", n:get("/").body)
  end)

  it("tells the warnings of neap -t", function()
    local n = neap.start { config = neap.config { origin.start {} } }
    local text = [[return { services = { { listen = "127.0.0.1:0", pool = "p" } }, pools = { p = {
      backends = { "https://127.0.0.1:1" }, health = { type = "none" }, http2 = true,
      tls = { verify = false }, send_proxy = 2 } } }]]
    write(n, text)
    local code, stdout, stderr = neap.run { "reload", "--pid", n.pid }
    assert.equal(0, code, stderr)
    assert.matches("^reloaded: generation 2 serves", stdout)
    local _, _, checked = neap.run { "-t", "-c", n.dir .. "/config.lua" }
    for _, warning in ipairs { "pools%.p%.http2: backends with send_proxy", "verify: false" } do
      assert.matches("Z warn [^\n]*" .. warning, stderr)
      assert.matches("Z warn [^\n]*" .. warning, checked)
    end
    assert.equal(select(2, checked:gsub("\n", "")), select(2, stderr:gsub("\n", "")))
  end)

  it("fails with the reason when it does not", function()
    local n = neap.start { config = neap.config { origin.start {} }, allow = { "reload" } }
    write(n, 'return { listen = "127.0.0.1:0", backend = {} }')
    local code, stdout, stderr = neap.run { "reload", "--pid", n.pid }
    assert.equal(1, code)
    assert.equal("", stdout)
    assert.matches("neap: .*config%.lua: backend: unknown key[^\n]*\n", stderr)
    assert.matches("neap: not reloaded: the generation before serves on %(pid " .. n.pid, stderr)
    assert.equal(200, n:get("/").status)
  end)

  it("finds the process by a pid file, or by the one that the config names", function()
    local n = neap.start { config = neap.config({ origin.start {} }, 'pid_file = "n.pid"') }
    assert.equal(0, (neap.run({ "reload", "-p", n.dir .. "/n.pid" })))
    local _, stdout = neap.run({ "reload", "-c", "config.lua" }, { cwd = n.dir })
    assert.matches("^reloaded: generation 3 serves ", stdout)
    assert(os.remove(n.dir .. "/n.pid"))
    _, stdout = neap.run({ "reload", "-c", "config.lua" }, { cwd = n.dir })
    assert.matches("^reloaded: generation 4 serves ", stdout)
  end)

  it("lists those that run where it cannot know which is meant", function()
    local one = neap.start { config = neap.config { origin.start {} } }
    local two = neap.start { config = neap.config({ origin.start {} }, 'pid_file = "n.pid"') }
    local code, _, stderr = neap.run({ "reload" }, { cwd = one.dir })
    assert.equal(1, code)
    assert.matches("neap: which neap%? Name one by %-%-pid N", stderr)
    for _, n in ipairs { one, two } do
      -- Others may run here, too: the list has an end.
      local line = stderr:match(("neap: (%d: %%-[^\n]*)"):format(n.pid))
      assert.is_truthy(line or stderr:find "and %d+ more")
      if line then assert.truthy(line:find(("(in %s)"):format(n.dir), 1, true), line) end
    end
    assert.equal(1, (neap.run({ "reload" }, { cwd = two.dir })))
    assert.equal(0, one:count_log "reloaded" + two:count_log "reloaded")
  end)

  it("finds the one that serves by the config that is named", function()
    local one = neap.start { config = neap.config { origin.start {} } }
    local two = neap.start { config = neap.config { origin.start {} } }
    local code, stdout = neap.run({ "reload", "-c", "config.lua" }, { cwd = two.dir })
    assert.equal(0, code)
    assert.matches(("serves %%(pid %d, "):format(two.pid), stdout)
    assert.equal(0, one:count_log "reloaded")
  end)

  it("reloads no other one than that", function()
    local n = neap.start { config = neap.config { origin.start {} } }
    local files = { ["other.lua"] = neap.config { 1 } }
    local code, _, stderr = neap.run({ "reload", "-c", "other.lua" }, { files = files })
    assert.equal(1, code)
    assert.matches("no neap that runs here serves by other%.lua; these run:", stderr)
    assert.equal(0, n:count_log "reloaded")
  end)

  -- The master is stopped until all five have asked: the first one's reload begins at once, so
  -- that the others need another one, which they share.
  it("answers each of several at once, by the reload that began after it asked", function()
    local n = neap.start { config = neap.config { origin.start {} } }
    n:signal "STOP"
    local asking, answers = {}, {}
    for index = 1, 5 do
      asking[index] = process.spawn { argv = { neap.binary, "reload", "--pid", tostring(n.pid) } }
    end
    eventually(function() return all_wait(n, asking) end)
    n:signal "CONT"
    for index, p in ipairs(asking) do
      assert.equal(0, (p:wait(10)))
      answers[index] = p:stdout():match "^reloaded: generation ([23]) serves [^\n]*\n$"
    end
    table.sort(answers)
    assert.equal("23333", table.concat(answers))
    eventually(function() return #n:children() == 2 end)
    assert.equal(0, n:count_log "generation 4")
  end)

  it("says so when that process is none of neap's", function()
    local code, _, stderr = neap.run { "reload", "-p", "/nowhere/n.pid" }
    assert.equal(1, code)
    assert.matches("neap: pid file /nowhere/n%.pid: ", stderr)
  end)

  it("is for the same user and root alone", function()
    if require("posix.unistd").geteuid() ~= 0 then return pending "needs root" end
    local n = neap.start { config = neap.config { origin.start {} } }
    local p = process.spawn {
      argv = { "setpriv", "--reuid", "65534", "--clear-groups", neap.open_binary(), "reload",
        "--pid", tostring(n.pid) },
    }
    assert.equal(1, (p:wait(10)))
    assert.matches("hung up", p:stderr())
    assert.equal(0, n:count_log "reloaded")
  end)
end)
