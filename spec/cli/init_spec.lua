-- `neap init`: a project that works at once.

local neap = require "support.neap"
local scope = require "support.scope"

local function shell(command)
  local pipe = io.popen(command .. " 2>&1; echo $?")
  local output = pipe:read "*a"
  pipe:close()
  local text, code = output:match "^(.-)(%d+)\n$"
  return tonumber(code), text
end

-- The binary alone in a folder: nothing is installed.
local function make_project()
  local folder = scope.directory() .. "/my project"
  local code, output, why = neap.run { "init", folder }
  assert.equal(0, code, why)
  return folder, output
end

describe("neap init", function()
  it("writes a project whose specs pass at once, and whose config is fine", function()
    local folder, output = make_project()
    assert.matches("my project/policy.lua\n", output)
    local code, text = shell(("cd '%s' && env -u LUA_PATH busted --lua=luajit"):format(folder))
    assert.equal(0, code, text)
    assert.matches("1%d successes / 0 failures / 0 errors", text)
    code, text = neap.run({ "-t", "-c", "config.lua" }, { cwd = folder })
    assert.equal(0, code, text)
    local luarc = require("cjson").decode(scope.read(folder .. "/.luarc.json"))
    local types = folder .. "/" .. luarc["workspace.library"][1] .. "/policy.lua"
    assert.matches("@class neap.policy", scope.read(types))
  end)

  it("has specs that fail when the policy is bad", function()
    local folder = make_project()
    scope.write(folder .. "/policy.lua",
      "return { pick = function(_, pool) return pool.all[2] end }")
    local code, text = shell(("cd '%s' && busted --lua=luajit"):format(folder))
    assert.not_equal(0, code)
    assert.matches("policy.lua.*b2 %(down%), which may not serve this request", text)
  end)

  it("replaces nothing that is there", function()
    local folder = scope.directory()
    scope.write(folder .. "/policy.lua", "mine")
    local code, _, why = neap.run { "init", folder }
    assert.equal(1, code)
    assert.matches("policy.lua: there already; choose another folder", why)
    assert.equal("mine", scope.read(folder .. "/policy.lua"))
    assert.equal("", scope.read(folder .. "/config.lua"))
    assert.equal(0, (neap.run { "init", "--kit", folder }))
    assert.equal("mine", scope.read(folder .. "/policy.lua"))
    assert.matches("%.neap/lua", scope.read(folder .. "/.busted"))
    scope.write(folder .. "/.busted", "mine")
    assert.equal(0, (neap.run { "init", "--kit", folder }))
    assert.equal("mine", scope.read(folder .. "/.busted"))
    assert.matches("neap.testing", scope.read(folder .. "/.neap/lua/neap/testing/init.lua"))
  end)

  it("says what it cannot do", function()
    local function why(...) return (select(3, neap.run { "init", ... })) end
    assert.matches("which folder%? neap init DIR", why())
    assert.matches("unknown option '%-%-frce'", why "--frce")
    assert.matches("'b' is too much", why("a", "b"))
    scope.write(scope.directory() .. "/file", "")
    local folder = scope.directory()
    scope.write(folder .. "/file", "")
    assert.matches("/file.*Not a directory", why(folder .. "/file/x"))
    local _, help = neap.run { "init", "--help" }
    assert.matches("neap init DIR", help)
  end)
end)
