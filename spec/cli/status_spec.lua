local admin = require "support.admin"
local cjson = require "cjson"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

describe("neap status and neap top", function()
  local o, n
  local function start(more)
    o = origin.start()
    n = admin.start({ o, 1 }, 'name = "web", health = { interval = 60 },' .. (more or ""))
    n:get "/"
    eventually(function()
      local s = admin.status(n)
      return s.services[1].requests == 1 and s.pools[1].backends[2].state == "down"
    end)
  end

  it("print what a running neap does, problems first", function()
    start()
    for _, verb in ipairs { "status", "top" } do
      local code, out, err = neap.run { verb, "--admin", n.admin }
      assert.same({ 0, "" }, { code, err })
      assert.is_truthy(out:find "^neap %S+ · %S+config.lua · generation 1 · up")
      assert.is_truthy(out:find "\nweb +1 ")
      assert.is_truthy(out:find "POOL web: 1 of 2 serve")
      assert.is_true(out:find "127.0.0.1:1 +down" < out:find "127.0.0.1:%d+ +up")
      assert.is_truthy(out:find("connection refused", 1, true))
      assert.is_nil(out:find "\27")
    end
  end)

  it("leave nothing out of a line where no terminal shows it", function()
    local why = ("a reason of many words "):rep(5)
    n = admin.start({ 1 }, ('policy = { check = function() return false, "%s" end }'):format(why))
    eventually(function()
      local _, out = neap.run { "status", "--admin", n.admin }
      return out:find("POOL.*" .. why .. ".*LATELY")
    end)
  end)

  it("give everything as JSON", function()
    start()
    local code, out = neap.run { "status", "--json", "--admin", n.admin }
    assert.equals(0, code)
    assert.equals(1, cjson.decode(out).services[1].requests)
  end)

  it("find the address in the config", function()
    local path = scope.directory() .. "/admin"
    n = admin.start({ 1 }, "", { admin = ('{ listen = "unix:%s" }'):format(path) })
    local code, out, err = neap.run { "status", "-c", n.dir .. "/config.lua" }
    assert.same({ 0, "" }, { code, err })
    assert.is_truthy(out:find "POOL")
  end)

  it("say why there is nothing to tell", function()
    local config = { ["config.lua"] = neap.config({ 1 }, "") }
    local port_0 = { ["config.lua"] = neap.config({ 1 }, 'admin = { listen = "127.0.0.1:0" },'
      .. 'listen = "127.0.0.1:0"') }
    for _, case in ipairs {
      { { "status", "--admin", "127.0.0.1:1" }, "connection refused" },
      { { "status", "--admin", "nonsense" }, "--admin: " },
      { { "status" }, "config.lua: it has no admin side to ask", config },
      { { "status" }, "name it by --admin ADDR", port_0 },
      { { "top", "--json" }, "--json goes with status" },
      { { "status", "8081" }, "it takes no '8081'" },
      { { "check", "--admin", ":1" }, "--admin goes with status" },
      { { "status", "--admin", origin.start().address }, "answer is not a status" },
    } do
      local dir = scope.directory()
      for name, text in pairs(case[3] or {}) do scope.write(dir .. "/" .. name, text) end
      local code, out, err = neap.run(case[1], { cwd = dir })
      assert.same({ 1, "" }, { code, out })
      assert.is_truthy(err:find(case[2], 1, true), err)
    end
  end)

  it("show it live until q, and leave the terminal as it was", function()
    start()
    local dir = scope.directory()
    local top = process.spawn {
      argv = { "sh", "-c", ("mkfifo keys; (exec 3<>keys; script -qec 'stty cols 120 rows 24; "
        .. "%s top --admin %s; echo code $?' /dev/null <&3)"):format(neap.binary, n.admin) },
      dir = dir, cwd = dir, name = "top",
    }
    eventually(function() return top:stdout():find "POOL web: 1 of 2 serve" end)
    assert.is_truthy(top:stdout():find("\27[?1049h", 1, true))
    for _ = 1, 5 do n:get "/" end
    eventually(function() return top:stdout():find "web +6 " end)
    scope.write(dir .. "/keys", "q")
    eventually(function() return top:stdout():find "code 0" end)
    assert.is_truthy(top:stdout():find("\27[?25h\27[?1049l", 1, true))
  end)
end)
