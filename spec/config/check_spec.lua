local unistd = require "posix.unistd"
local neap = require "support.neap"

-- → exit code, output with the folder of the file taken away
local function check(config, options)
  local code, output = neap.check(config, options)
  return code, (output:gsub("[^%s:]*/(%w+%.%w+)", "%1"))
end

local function refused(config, expected, options)
  local code, output = check(config, options)
  assert.equals(1, code, output)
  for _, line in ipairs(type(expected) == "table" and expected or { expected }) do
    assert.truthy(output:find(line, 1, true), ("expected %s\nin %s"):format(line, output))
  end
end

local function accepted(config, options)
  local code, output = check(config, options)
  assert.equals("config.lua: ok\n", output:gsub("%.json", ".lua"), output)
  assert.equals(0, code)
end

describe("neap -t", function()
  it("says ok to what is shipped", function()
    for _, name in ipairs { "config.lua", "config.json" } do
      local code, output = check { path = unistd.getcwd() .. "/" .. name }
      assert.equals(name .. ": ok\n", output)
      assert.equals(0, code)
    end
  end)

  it("says ok to the article's file and to a policy beside the config", function()
    accepted('{"proxy":{"port":"8080"},"backends":[{"url":"http://localhost:8081/"}]}',
      { config_name = "config.json" })
    accepted([[return { backends = { "http://localhost:1" }, policy = "./own.lua" }]], {
      files = { ["own.lua"] = "return { pick = function(_, pool) return pool[1] end }" },
    })
  end)

  it("names file, key, value, expectation and the nearest key, all errors at once", function()
    refused([[return { services = {
      { listen = ":1", backends = { "http://h" } },
      { listen = ":2", backends = { "http://h:99999" }, health = { interval = "soon" } },
      { listen = ":3", backends = { "http://h" }, helth = {} },
    } }]], {
      "config.lua: services[2].backends[1]: 'http://h:99999' is not a backend's URL: '99999' is",
      "config.lua: services[2].health.interval: 'soon' is not a number of seconds "
        .. "(expected a number > 0)\n",
      "config.lua: services[3].helth: unknown key; did you mean 'health'?\n",
    })
  end)

  it("names the line of Lua and JSON that is none", function()
    refused("return {\n  workers = = 2\n}", "config.lua:2: unexpected symbol near '='")
    refused("local x\nreturn { workers = x.y }", "config.lua:2: attempt to index")
    refused('{\n "backends": [,]\n}', "config.json:2:15: ',', where a value is expected",
      { config_name = "config.json" })
  end)

  it("refuses a file that cannot be read", function()
    refused({ path = "/nowhere/config.lua" }, "config.lua: cannot be opened: No such file")
    refused("", "config.lua: the file is empty")
  end)

  it("finds what is wrong with policies", function()
    local config = 'return { backends = { "http://localhost:1" }, policy = %s }'
    refused(config:format '"round_robbin"', { "config.lua: policy: ", "'round_robin'" })
    refused(config:format '"./none.lua"', { "config.lua: policy: ", "none.lua" })
    refused(config:format "{ pikc = print }", "config.lua: policy: unknown hook 'pikc'; did you")
    refused(config:format '"./p.lua"', "p.lua:2:", { files = { ["p.lua"] = "\nreturn = 1" } })
  end)

  it("calls pick once", function()
    local config = 'return { backends = { "http://localhost:1" }, policy = "./p.lua" }'
    refused(config, "p.lua:1: ", { files = {
      ["p.lua"] = "return { pick = function(request, pool) return pool.x.y end }",
    } })
    refused(config, "pick", { files = {
      ["p.lua"] = "return { pick = function() return 5 end }",
    } })
    accepted(config, { files = {
      ["p.lua"] = "return { pick = function() require('neap').sleep(60) end }",
    } })
    refused(config, "config.lua: policy: pick of pool ':8080', on a made-up request: p.lua:1: ", {
      files = { ["p.lua"] = "return { pick = function() while true do end end }" },
    })
  end)
end)
