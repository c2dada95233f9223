local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"
local neap = require "support.neap"
local scope = require "support.scope"

local good = 'return { listen = "127.0.0.1:1", backends = { "http://127.0.0.1:2" } }'

local function errors_of(config, files)
  local all = files or {}
  all["config.lua"] = config
  local code, stdout, stderr = neap.run({ "-t", "-c", "config.lua" }, { files = all, limit = 45 })
  assert.equal(1, code)
  assert.equal("", stdout)
  return stderr
end

describe("neap check", function()
  it("says ok, as -t does", function()
    for _, args in ipairs { { "check", "-c", "config.lua" }, { "-t", "-c", "config.lua" },
      { "-c", "config.lua", "check" }, { "check" } } do
      local result = { neap.run(args, { files = { ["config.lua"] = good } }) }
      assert.same({ 0, "config.lua: ok\n", "" }, result)
    end
  end)

  it("binds nothing, so that it works beside the running one", function()
    local n = neap.start { files = { ["config.lua"] = 'return { listen = "127.0.0.1:0", '
      .. 'backends = { "http://127.0.0.1:1" } }' } }
    local config = good:gsub("127.0.0.1:1", n.address, 1)
    local files = { ["config.lua"] = config }
    local result = { neap.run({ "-t", "-c", "config.lua" }, { files = files }) }
    assert.same({ 0, "config.lua: ok\n", "" }, result)
  end)

  it("prints every error, one a line, each with file and key", function()
    local text = errors_of 'return { backends = { "http://127.0.0.1:1" }, workers = "x", lisen = 1}'
    assert.matches("config%.lua: workers: ", text)
    assert.matches("config%.lua: lisen: ", text)
    for line in text:gmatch "[^\n]+" do assert.matches("^config%.lua: ", line) end
  end)

  it("runs pick once, and reports what it raises", function()
    local policy = 'return { pick = function(request) error "no idea" end }'
    local config = good:gsub(" }$", ', policy = "bad.lua" }')
    assert.matches("bad%.lua:1: no idea", errors_of(config, { ["bad.lua"] = policy }))
  end)

  it("tells which objects of its hook a pick keeps, where a start would let it go on", function()
    local kept = {
      ["a request was kept in 'seen'.*keep values of it"] = "local seen = {} return { pick = "
        .. "function(r, pool) seen[1] = r return pool[1] end }",
      ["a pool was kept in 'last'.*keep its name"] = "local last return { pick = function(_, pool) "
        .. "last = pool return last[1] end }",
      ["a backend was kept in 'best'.*keep its name"] = "local best return { pick = "
        .. "function(_, pool) best = best or pool[1] return best end }",
    }
    local config = good:gsub(" }$", ', policy = "p.lua" }')
    for text, policy in pairs(kept) do
      assert.matches("^config%.lua: policy: pick of pool [^\n]*" .. text .. "[^\n]*\n$",
        errors_of(config, { ["p.lua"] = policy }))
    end
    local fine = "local n = {} return { pick = function(r, pool) n[r.path] = pool[1].name "
      .. "r.ctx.pool = pool return pool[1] end }"
    assert.equal(0, (neap.run({ "-t", "-c", "config.lua" },
      { files = { ["config.lua"] = config, ["p.lua"] = fine } })))
  end)

  it("asks shadows, too", function()
    for body, why in pairs {
      ["return pool:nearest()"] = "shadow%.lua:1: pool has no 'nearest'",
      ["while true do end"] = "shadow%.lua:1: ran for more than 50 ms",
      ["neap.sleep(1)"] = "a shadow may not wait",
    } do
      local shadow = ("local neap = require 'neap' return { pick = function(_, pool) %s end }")
        :format(body)
      local config = good:gsub(" }$", ', shadow = "shadow.lua" }')
      assert.matches("^config%.lua: shadow: pick of pool '[^']+', on a made%-up request: [^\n]*"
        .. why .. "[^\n]*\n$", errors_of(config, { ["shadow.lua"] = shadow }))
    end
  end)

  it("reports a policy that is no Lua", function()
    local config = good:gsub(" }$", ', policy = "bad.lua" }')
    assert.matches("bad%.lua:1:", errors_of(config, { ["bad.lua"] = "retrun {}" }))
  end)

  it("ends with a config that hangs #slow", function()
    local text = errors_of "while true do end"
    if not text:find "did not finish loading" then -- it got less than 3 s of CPU in 40
      assert.equal("config.lua: config.lua:1: ran for more than 3000 ms\n", text)
    end
  end)

  it("says that a log's folder is not there", function()
    local missing = { log = "log.target", access_log = "access_log.target" }
    for key, path in pairs(missing) do
      local config = good:gsub(" }$", (', %s = { target = "/nowhere/at/all" } }'):format(key))
      assert.equal("config.lua: " .. path .. ": there is no folder /nowhere/at (make it first)\n",
        errors_of(config))
    end
  end)

  it("says that the config's user may not write the access log", function()
    if unistd.geteuid() ~= 0 then return pending "needs root" end
    local dir = scope.directory()
    local config = good:gsub(" }$", (', user = "nobody", access_log = { target = "%s/a" } }')
      :format(dir))
    local told = "config.lua: access_log.target: user 'nobody' may not write to %s (give it to "
      .. "that user)\n"
    stat.chmod(dir, tonumber("755", 8))
    assert.equal(told:format(dir .. "/"), errors_of(config))
    scope.write(dir .. "/a", "")
    stat.chmod(dir .. "/a", tonumber("644", 8))
    assert.equal(told:format(dir .. "/a"), errors_of(config))
    stat.chmod(dir .. "/a", tonumber("666", 8))
    local files = { ["config.lua"] = config }
    assert.equal(0, (neap.run({ "-t", "-c", "config.lua" }, { files = files })))
  end)

  it("takes stdout for no file, whoever the config's user is", function()
    if unistd.geteuid() ~= 0 then return pending "needs root" end
    local config = good:gsub(" }$", ', user = "nobody", access_log = { target = "stdout" } }')
    local files = { ["config.lua"] = config }
    assert.equal(0, (neap.run({ "-t", "-c", "config.lua" }, { files = files })))
  end)

  it("takes no file for syslog because its name begins so", function()
    local config = good:gsub(" }$", ', log = { target = "syslogs/neap.log" } }')
    assert.matches("log%.target: there is no folder syslogs", errors_of(config))
  end)

  it("checks the address of a log that goes over the network", function()
    local function with(target)
      return (good:gsub(" }$", (', log = { target = %q } }'):format(target)))
    end
    for target, why in pairs {
      ["syslog+udp://loghost:514"] = "has no IP address with a port",
      ["syslog+tcp://10.0.0.1"] = "has no IP address with a port",
      ["syslog+tcp://[::1]:0"] = "has no IP address with a port",
      ["syslog+tls://10.0.0.1:6514"] = "is neither syslog%+udp://",
    } do
      assert.matches("log%.target.*" .. why, errors_of(with(target)))
    end
    for _, target in ipairs { "syslog+udp://10.0.0.1:514", "syslog+tcp://[2001:db8::1]:601" } do
      assert.equal(0, (neap.run({ "-t", "-c", "config.lua" },
        { files = { ["config.lua"] = with(target) } })))
    end
  end)

  it("checks the backends of the command line too", function()
    local code, stdout = neap.run { "-t", "8081", "host:8082" }
    assert.same({ 0, "command-line.lua: ok\n" }, { code, stdout })
  end)
end)
