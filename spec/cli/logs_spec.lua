-- neap logs: the last lines of a config's log files, and those that come.
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

describe("neap logs", function()
  local folder, config
  local function start()
    folder = scope.directory()
    config = neap.config({ origin.start() }, ([[ health = { type = "none" },
      access_log = { target = "%s/access.log" },]]):format(folder))
    return neap.start { config = config }
  end

  local function read(name)
    local f = io.open(folder .. "/" .. name)
    local text = f and f:read "*a" or ""
    if f then f:close() end
    return text
  end

  -- A config as another command would see it, with both logs in files that the spec writes.
  local function config_of_files()
    folder = scope.directory()
    scope.write(folder .. "/config.lua", neap.config({ 1 }, ([[
      log = { target = "%s/error.log" }, access_log = { target = "%s/access.log" },]])
      :format(folder, folder)))
    return folder .. "/config.lua"
  end

  it("prints the last lines of the access log", function()
    local n = start()
    for i = 1, 30 do n:get("/number-" .. i) end
    eventually(function() return read("access.log"):find("/number-30 ", 1, true) end)
    local code, out, err = neap.run { "logs", "-c", n.dir .. "/config.lua" }
    assert.same({ 0, "" }, { code, err })
    assert.is_nil(out:find("/number-10 ", 1, true))
    assert.is_truthy(out:find("/number-11 ", 1, true))
    assert.is_truthy(out:find("/number-30 ", 1, true))
  end)

  it("prints as many lines as asked for, of both files, by what they have", function()
    local path = config_of_files()
    scope.write(folder .. "/error.log", "one\ntwo red\nthree red blue\n")
    scope.write(folder .. "/access.log", "four blue red\nfive red\n")
    local function logs(...)
      local code, out = neap.run { "logs", "-c", path, ... }
      assert.equal(0, code)
      return out
    end
    assert.equal("one\ntwo red\nthree red blue\nfour blue red\nfive red\n", logs())
    assert.equal("three red blue\nfive red\n", logs("--last", "1"))
    assert.equal("", logs("--last", "0"))
    assert.equal("three red blue\nfour blue red\n", logs("--filter", "red", "--filter=blue"))
    assert.equal("two red\n", logs("--filter", "two", "--last=1"))
  end)

  it("goes on with lines that come, whole ones, and after a rotation", function()
    local path = config_of_files()
    scope.write(folder .. "/access.log", "")
    scope.write(folder .. "/error.log", "old\n")
    local p = process.spawn { argv = { neap.binary, "logs", "-c", path, "--follow" } }
    local seen = ""
    local function shows(text)
      eventually(function()
        seen = p:stdout()
        return seen == text
      end)
    end
    shows "old\n"
    local f = assert(io.open(folder .. "/access.log", "a"))
    f:write "half a"
    f:flush()
    f:write " line\nand"
    f:flush()
    shows "old\nhalf a line\n"
    os.rename(folder .. "/access.log", folder .. "/access.log.1")
    f:write " more\n"
    f:close()
    scope.write(folder .. "/access.log", "new file\n")
    shows "old\nhalf a line\nand more\nnew file\n"
    p:kill "KILL"
    p:wait()
  end)

  it("says where the logs go when it is no file", function()
    local dir = scope.directory()
    scope.write(dir .. "/config.lua", neap.config { 1 })
    local code, out, err = neap.run({ "logs" }, { cwd = dir })
    assert.same({ 1, "" }, { code, out })
    assert.is_truthy(err:find("the log goes to standard error", 1, true))
    scope.write(dir .. "/config.lua", neap.config({ 1 }, 'access_log = {},'))
    code, out, err = neap.run({ "logs" }, { cwd = dir })
    assert.same({ 1, "" }, { code, out })
    assert.is_truthy(err:find("the log goes to standard error", 1, true))
    scope.write(dir .. "/config.lua", neap.config({ 1 }, 'log = { target = "syslog" },'))
    code, out, err = neap.run({ "logs" }, { cwd = dir })
    assert.same({ 1, "" }, { code, out })
    assert.is_truthy(err:find("the log goes to syslog", 1, true))
    local target = "syslog+udp://127.0.0.1:514"
    scope.write(dir .. "/config.lua", neap.config({ 1 }, ('log = { target = %q },'):format(target)))
    code, out, err = neap.run({ "logs" }, { cwd = dir })
    assert.same({ 1, "" }, { code, out })
    assert.is_truthy(err:find("the log goes to " .. target, 1, true))
  end)

  it("says what goes with it", function()
    for _, case in ipairs {
      { { "logs", "--last", "x" }, "--last: 'x' is not a number from 0 to 100000" },
      { { "logs", "8081" }, "logs takes no '8081'" },
      { { "status", "--follow" }, "--follow and --filter go with logs" },
      { { "logs" }, "No such file" },
    } do
      local path = config_of_files()
      local code, out, err = neap.run(case[1], { cwd = path:match "(.*)/" })
      assert.same({ 1, "" }, { code, out })
      assert.is_truthy(err:find(case[2], 1, true), err)
    end
  end)
end)
