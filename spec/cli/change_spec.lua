-- neap drain, undrain, up, down and weight: changes of a running neap from the command line.
local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

describe("a change from the command line", function()
  local n, web, other
  local function start(more, options)
    web, other = origin.start(), origin.start()
    n = admin.start({ web, other }, 'name = "web",' .. (more or ""), options)
  end

  -- The admin side's port is the system's choice: its address is given, and the token in a file.
  local function with_file(...)
    local file = scope.directory() .. "/token"
    scope.write(file, admin.token .. "\n")
    local argv = { ... }
    for _, word in ipairs { "--admin", n.admin, "--token-file", file } do
      table.insert(argv, word)
    end
    return neap.run(argv)
  end

  it("drains a backend, and undoes it", function()
    start()
    local code, out, err = with_file("drain", "web", web.address)
    assert.same({ 0, "" }, { code, err })
    assert.equal(web.address .. ": drain, weight 1, nothing in flight (drained by the API)\n", out)
    for _ = 1, 6 do assert.equal(200, n:get("/").status) end
    assert.equal(0, #web:requests())
    assert.equal(6, #other:requests())
    assert.equal(0, (with_file("undrain", "web", web.address)))
    eventually(function()
      n:get "/"
      return #web:requests() > 0
    end)
  end)

  it("sets the state and the weight", function()
    start()
    for verb, state in pairs { down = "down", up = "up" } do
      local code, out = with_file(verb, "web", web.address)
      assert.equal(0, code)
      assert.is_truthy(out:find(": " .. state .. ",", 1, true))
      assert.equal(state, admin.backend(n, web.address).state)
    end
    local code, out = with_file("weight", "web", web.address, "007")
    assert.equal(0, code)
    assert.is_truthy(out:find("weight 7,", 1, true))
    assert.equal(7, admin.backend(n, web.address).weight)
  end)

  it("finds address and token in the config", function()
    local path = scope.directory() .. "/admin"
    scope.write(path .. ".token", "a-token-of-a-file\n")
    for _, token in ipairs { 'token = "a-token-of-a-config"',
      ('token_file = %q'):format(path .. ".token") } do
      start("", { admin = ('{ listen = "unix:%s", %s }'):format(path, token) })
      local code, out, err = neap.run { "drain", "web", web.address, "-c", n.dir .. "/config.lua" }
      assert.same({ 0, "" }, { code, err })
      assert.is_truthy(out:find(": drain,", 1, true))
      n:stop()
    end
  end)

  it("knows pools and backends by any name", function()
    local o = origin.start()
    n = neap.start { config = ([[return { listen = "127.0.0.1:0", name = "web",
      health = { type = "none" }, admin = { listen = "127.0.0.1:0", token = %q },
      backends = { { url = %q, name = "a b/%%" } } }]]):format(admin.token, o.url) }
    local code, out = with_file("drain", "web", "a b/%")
    assert.equal(0, code)
    assert.is_truthy(out:find("a b/%: drain", 1, true))
  end)

  it("says what is missing or wrong, and changes nothing", function()
    start()
    for _, case in ipairs {
      { { "drain", "wbe", web.address }, "there is no pool 'wbe'; did you mean 'web'?" },
      { { "drain", "web", "127.0.0.1:1" }, "there is no backend '127.0.0.1:1'" },
      { { "drain", "web" }, "drain: the backend is missing: neap drain POOL BACKEND" },
      { { "up" }, "up: the pool is missing: neap up POOL BACKEND" },
      { { "weight", "web", web.address }, "weight: the weight is missing" },
      { { "weight", "web", web.address, "1001" }, "'1001' is not a whole number from 0 to 1000" },
      { { "weight", "web", web.address, "-1" }, "-1" },
      { { "down", "web", web.address, "2" }, "down: '2' is too much" },
      { { "down", ("x"):rep(600), web.address }, "down: the names are too long" },
      { { "down", "web", web.address, "-w", "2" }, "down takes -c, --admin and --token-file only" },
    } do
      local code, out, err = with_file(unpack(case[1]))
      assert.same({ 1, "" }, { code, out })
      assert.is_truthy(err:find(case[2], 1, true), err)
    end
    assert.equal("unknown", admin.backend(n, web.address).state)
  end)

  it("needs the token", function()
    start("", { admin = '{ listen = "127.0.0.1:0" }' })
    local code, _, err = neap.run { "drain", "web", web.address, "--admin", n.admin }
    assert.equal(1, code)
    assert.is_truthy(err:find("name its file by --token-file FILE", 1, true))
    code, _, err = with_file("drain", "web", web.address)
    assert.equal(1, code)
    assert.is_truthy(err:find("token", 1, true))
    local path = scope.directory() .. "/admin"
    n:stop()
    start("", { admin = ('{ listen = "unix:%s" }'):format(path) })
    code, _, err = neap.run { "drain", "web", web.address, "-c", n.dir .. "/config.lua" }
    assert.equal(1, code)
    assert.is_truthy(err:find("its admin side has no token", 1, true), err)
  end)
end)
