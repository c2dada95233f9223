-- The test kit as `cmake --install` leaves it, without neap's source around.

local neap = require "support.neap"
local process = require "support.process"
local scope = require "support.scope"

local POLICY_SPEC = [[
local testing = require "neap.testing"
assert(testing.pool({ "b1", "b2" }):pick { path = "/" } == "b1")
print(testing.pool(1):send({ path = "/" }).status)
]]

describe("the installed test kit", function()
  it("needs nothing but LuaJIT", function()
    local folder = scope.directory()
    local code, _, why = process.run {
      argv = { "cmake", "--install", neap.binary:match "^(.*)/", "--prefix", folder }, limit = 60,
    }
    assert.equal(0, code, why)
    scope.write(folder .. "/spec.lua", POLICY_SPEC)
    local lua = folder .. "/share/neap/lua/"
    local text
    code, text, why = process.run {
      argv = { "luajit", "spec.lua" }, cwd = folder,
      env = { LUA_PATH = lua .. "?.lua;" .. lua .. "?/init.lua" },
    }
    assert.equal(0, code, why)
    assert.equal("200\n", text)
  end)
end)
