local case = require "unit.config_case"

local function refused(name, text, expected)
  local config, why = case.load(text, name)
  assert.is_nil(config, text)
  assert.equals(expected, why)
end

describe("the file of a config", function()
  it("in Lua is refused with its line", function()
    refused("config.lua", "return {\n  workers = = 1\n}",
      "config.lua:2: unexpected symbol near '='")
    refused("config.lua", "local x\n\nreturn { workers = x.y }",
      "config.lua:3: attempt to index local 'x' (a nil value)")
    refused("a/b.lua", "local function f() error 'no' end\nf()\nreturn {}",
      "a/b.lua:1: no (called from a/b.lua:2: in main chunk)")
    refused("config.lua", "x = 1", "config.lua: the file returns nothing "
      .. "(expected a table: return { … })")
    refused("config.lua", "return 5", "config.lua: the file returns 5 (expected a table)")
    refused("config.lua", "return nil", "config.lua: the file returns nothing "
      .. "(expected a table: return { … })")
  end)

  it("is refused when it is no text", function()
    refused("config.lua", "", "config.lua: the file is empty")
    refused("config.json", " \n", "config.json: the file is empty")
    refused("config.lua", "-- \255", "config.lua: byte 4: the file is not UTF-8 text")
    refused("config.json", "{}\0", "config.json: byte 3: the file is not UTF-8 text")
    refused("config.lua", "\27LJ\2", "config.lua: this is bytecode "
      .. "(expected Lua source or JSON)")
    refused("config.lua", nil, "config.lua: cannot be opened: No such file or directory")
  end)

  it("in JSON is the article's", function()
    local config = case.json '{"proxy":{"port":"9090"},"backends":[{"url":"http://localhost:1/"}]}'
    assert.same({ ":9090" }, config.services[1].listen)
    assert.equals("http://localhost:1/", config.pools[1].backends[1].url)
    config = case.json '\239\187\191{"proxy":{"port":9090},"backends":["http://h"],"workers":2}'
    assert.same({ ":9090" }, config.services[1].listen)
    assert.equals(2, config.workers)
  end)

  it("in JSON has the same keys as in Lua", function()
    local config = case.json [[{ "services": [ { "listen": [":1", ":2"], "pool": "web" } ],
      "pools": { "web": { "backends": [ { "url": "http://h", "tags": { "a": "ü" } } ],
      "retry": { "status": [502] }, "timeouts": { "connect": false } } } }]]
    assert.same({ ":1", ":2" }, config.services[1].listen)
    assert.equals("ü", config.pools[1].backends[1].tags.a)
    assert.is_false(config.pools[1].timeouts.connect)
  end)

  it("in JSON is refused with line and column", function()
    for text, expected in pairs {
      ['{"a":1,\n}'] = ":2:1: '}', where a key in double quotes is expected",
      ['{"a" 1}'] = ":1:6: '1', where ':' is expected",
      ["{'a':1}"] = ":1:2: ''', where a key in double quotes is expected",
      ['{"a":1'] = ":1:7: the end of the file, where ',' or '}' is expected",
      ["[1 2]"] = ":1:4: '2', where ',' or ']' is expected",
      ['{"a":tru}'] = ":1:6: 'tru', where a value is expected",
      ['{"a":NaN}'] = ":1:6: 'NaN', where a value is expected",
      ['{"a":01}'] = ":1:6: '01' is not a number",
      ['{"a":1.}'] = ":1:6: '1.' is not a number",
      ['{"a":0x1}'] = ":1:6: '0x1' is not a number",
      ['{"a":"x}'] = ":1:6: a text without its closing quote",
      ['{"a":"x\n"}'] = ":1:8: a control character in a text (or its closing quote is missing)",
      ['{"a":"\\x"}'] = ":1:7: an unknown escape in a text",
      ['{"a":"\\u12"}'] = ":1:7: \\u without four hex digits",
      ['{} {}'] = ":1:4: '{', where the end of the file is expected",
      [("["):rep(70)] = ":1:65: nested too deeply",
      ['{"workers":1,\n "workers":2}'] = ":2:2: workers: the key is given twice in this object",
      ['{"a":[{"b":1,"\\u0062":2}]}'] = ":1:14: a[1].b: the key is given twice in this object",
    } do
      refused("config.json", text, "config.json" .. expected)
    end
  end)

  it("in JSON is refused where it is not a config", function()
    for text, expected in pairs {
      ["[]"] = "backends: missing",
      ["3"] = "the configuration is 3 (expected a table)",
      ["null"] = "the configuration is null (expected a table)",
      ['{"backends":null}'] = "backends: null is not a list",
      ['{"proxy":8080}'] = "proxy: 8080 is not a table",
      ['{"proxy":{}}'] = "proxy.port: missing (expected a number or text from 0 to 65535)",
      ['{"proxy":{"port":"x"}}'] = "proxy.port: 'x' is not a port",
      ['{"proxy":{"port":70000}}'] = "proxy.port: 70000 is not a port",
      ['{"proxy":{"port":null}}'] = "proxy.port: null is not a port",
      ['{"proxy":{"prot":1}}'] = "proxy.prot: unknown key (known here: port)",
      ['{"proxy":{"port":1},"listen":":1"}'] = "proxy: 'listen' or 'services' is given too",
      ['{"backends":["http://h"],"workers":1e999}'] = "workers: inf is not a whole number",
    } do
      local config, why = case.json(text)
      assert.is_nil(config, text)
      assert.truthy(why:find("config.json: " .. expected, 1, true), text .. ": " .. why)
    end
  end)
end)
