-- How long a store lives, and who sees it.

local eventually = require "support.eventually"
local neap = require "support.neap"
local process = require "support.process"
local scope = require "support.scope"

local function config(shared, workers)
  return ([[
    local neap = require "neap"
    local s = neap.shared "clients"
    return {
      listen = "127.0.0.1:0", workers = %d, backends = { "http://127.0.0.1:1" },
      health = { type = "none" }, shared = %s,
      policy = { request = function(request)
        local call, key, value = request.path:match "^/(%%a+)/([^/]*)/?(.*)$"
        if not call then return end
        local result, why = s[call](s, key, tonumber(value) or value)
        if call == "keys" then result = #s:keys(1e6) end
        return neap.reply { body = tostring(result) .. " " .. tostring(why) }
      end },
    }]]):format(workers or 2, shared)
end

local function reload(n, number)
  n:signal "HUP"
  n:wait_log(("reloaded: generation %d serves"):format(number), 10)
end

local SMALL, LARGE = "{ clients = { bytes = 65536 } }", "{ clients = { bytes = 2^20 } }"

describe("a shared store", function()
  it("is the same for all workers", function()
    local n = neap.start { config = config(SMALL) }
    assert.equal("true nil", n:get("/set/n/0").body)
    for i = 1, 40 do assert.equal(i .. " nil", n:get("/increment/n/1").body) end
  end)

  it("outlives its workers", function()
    local n = neap.start { config = config(SMALL), allow = { "killed" } }
    assert.equal("true nil", n:get("/set/a/x").body)
    for _, pid in ipairs(n:workers()) do process.signal(pid, "KILL") end
    eventually(function()
      local ok, answer = pcall(n.get, n, "/get/a")
      return ok and answer.body == "x nil"
    end)
  end)

  it("is kept over a reload, by its name", function()
    local n = neap.start { config = config(SMALL) }
    n:get "/set/a/x"
    reload(n, 2)
    assert.equal("x nil", n:get("/get/a").body)
    scope.write(n.dir .. "/config.lua", config("{ clients = { bytes = 65536 }, before = {} }"))
    reload(n, 3)
    assert.equal("x nil", n:get("/get/a").body)
    scope.write(n.dir .. "/config.lua", (config("{ other = {} }"):gsub('"clients"', '"other"')))
    reload(n, 4)
    assert.equal("nil nil", n:get("/get/a").body)
    scope.write(n.dir .. "/config.lua", config(SMALL))
    reload(n, 5)
    assert.equal("nil nil", n:get("/get/a").body)
  end)

  it("keeps its entries in another size, as far as there is room", function()
    local n = neap.start { config = config(LARGE) }
    for i = 1, 1000 do n:get(("/set/key%d/value%d"):format(i, i)) end
    scope.write(n.dir .. "/config.lua", config("{ clients = { bytes = 2^21 } }"))
    reload(n, 2)
    assert.matches("^1000 ", n:get("/keys/x").body)
    assert.equal("value1 nil", n:get("/get/key1").body)
    scope.write(n.dir .. "/config.lua", config(SMALL))
    reload(n, 3)
    local left = tonumber(n:get("/keys/x").body:match "%d+")
    assert.is_true(left > 500 and left < 1000)
  end)

  it("is kept over an upgrade of the binary", function()
    local n = neap.start { config = config(SMALL), binary = neap.open_binary() }
    n:get "/set/a/x"
    n:signal "USR2"
    local pid = tonumber((n:wait_log("upgraded: process (%d+) serves", 10)))
    scope.add {
      dispose = function()
        process.signal(pid, "TERM")
        eventually(function() return not process.exists(pid) end, 5)
      end,
    }
    assert.equal("x nil", n:get("/get/a").body)
    assert.equal(0, n:wait(5))
    assert.equal("x nil", n:get("/get/a").body)
  end)

  it("that the config does not have is an error when it loads", function()
    local code, out = neap.check(config "{ client = {} }")
    assert.equal(1, code)
    assert.matches("shared: neap%.shared asks for a store 'clients' %(there are: client%)", out)
    code, out = neap.check(config "{}")
    assert.equal(1, code)
    assert.matches("the config has no `shared`", out)
  end)

  it("is not used while the config is read", function()
    local text = config(SMALL):gsub('"clients"\n', '"clients"\ns:set("a", 1)\n')
    local code, out = neap.check(text)
    assert.equal(1, code)
    assert.matches("can be used once the config is loaded", out)
  end)

  it("has a name and a size", function()
    for shared, why in pairs {
      ["{ a = { bytes = 1000 } }"] = "shared%.a%.bytes: 1000 is out of range",
      ["{ a = { byte = 1 } }"] = "did you mean 'bytes'",
      ["{ {} }"] = "shared%[1%]: this is not a name",
      ["{ a = 1 }"] = "shared%.a: 1 is not a table",
      ["7"] = "shared: 7 is not a table",
    } do
      local code, out = neap.check(config(shared))
      assert.equal(1, code)
      assert.matches(why, out)
    end
  end)
end)
