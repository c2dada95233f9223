local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

describe("the command line", function()
  it("-v prints the version, and those of the libraries", function()
    for _, option in ipairs { "-v", "--version" } do
      local code, stdout, stderr = neap.run { option }
      assert.same({ 0, "" }, { code, stderr })
      assert.matches("^neap %d+%.%d+%.%d+\n", stdout)
      for _, library in ipairs { "LuaJIT 2%.1", "libev 4%.%d+", "c%-ares %d", "lua%-cjson %d" } do
        assert.matches(library, stdout)
      end
    end
  end)

  it("-h lists every option and command", function()
    for _, option in ipairs { "-h", "--help" } do
      local code, stdout, stderr = neap.run { option }
      assert.same({ 0, "" }, { code, stderr })
      for letter in ("cdhlptvw"):gmatch "." do assert.matches("\n  %-" .. letter .. ",", stdout) end
      for _, word in ipairs { "check", "demo", "HOST:PORT" } do
        assert.truthy(stdout:find(word, 1, true))
      end
    end
  end)

  it("-h of a command says what goes with that one alone", function()
    for verb, words in pairs {
      check = { "%-%-config FILE" }, demo = { "%-%-backend NAME" }, top = { "%-%-admin ADDR" },
      reload = { "%-%-pid N", "%-%-pid%-file FILE" }, status = { "%-%-json" },
      explain = { "%-%-last N", "%-%-failed" }, record = { "%-%-redact NAME", "record FILE" },
    } do
      for _, args in ipairs { { verb, "-h" }, { "--help", verb } } do
        local code, stdout, stderr = neap.run(args)
        assert.same({ 0, "" }, { code, stderr })
        assert.matches("^usage: neap " .. verb, stdout)
        for _, word in ipairs(words) do assert.matches(word, stdout) end
        assert.is_nil(stdout:find("--daemon", 1, true))
        assert.is_nil(stdout:find("with " .. verb, 1, true))
      end
    end
  end)

  it("-w goes over the config's number of workers", function()
    local n = neap.start { config = neap.config { origin.start {} }, args = { "-w", 3 } }
    assert.equal(3, #n:workers())
    assert.matches("; 3 workers", n:log())
  end)

  it("takes values joined to their option, and long options", function()
    local n = neap.start { config = neap.config { origin.start {} }, args = { "-w2" } }
    assert.equal(2, #n:workers())
    local other = neap.start { config = neap.config { origin.start {} }, args = { "--workers=2" } }
    assert.equal(2, #other:workers())
  end)

  it("without -c uses config.lua of the current folder", function()
    local n = neap.start { files = { ["config.lua"] = neap.config { origin.start {} } } }
    assert.equal(200, n:get("/").status)
  end)

  it("reads JSON", function()
    local web = origin.start { name = "web1" }
    local n = neap.start {
      config = ('{"listen": "127.0.0.1:0", "workers": 1, "backends": ["%s"]}'):format(web.url),
      config_name = "config.json",
    }
    assert.equal("web1", n:get("/").body)
  end)

  it("balances over the backends it names, without a config", function()
    local webs = origin.several(3)
    local host_and_port = "localhost:" .. webs[2].port
    local n = neap.start {
      args = { "-w", 1, "-l", "127.0.0.1:0", webs[1].port, host_and_port, webs[3].url },
    }
    local seen = {}
    for _ = 1, 6 do
      local body = client.get(n.address).body
      seen[body] = (seen[body] or 0) + 1
    end
    assert.same({ web1 = 2, web2 = 2, web3 = 2 }, seen)
  end)

  it("-l takes a unix socket too", function()
    local path = scope.directory() .. "/neap.sock"
    neap.start { args = { "-l", "unix:" .. path, origin.start({}).port } }
    assert.equal(200, client.get("unix:" .. path).status)
  end)
end)
