local client = require "support.client"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

describe("starting", function()
  it("logs one ready line with the real addresses and the number of workers", function()
    local web = origin.start {}
    local more = 'listen = { "127.0.0.1:0", "[::1]:0" }, workers = 2'
    local n = neap.start { config = neap.config({ web }, more) }
    assert.equal(2, #n.ports)
    assert.matches("ready: http 127%.0%.0%.1:%d+, http %[::1%]:%d+; 2 workers\n", n:log())
    assert.is_true(n.ports[1] > 0 and n.ports[2] > 0)
    for _, address in ipairs(n.addresses) do assert.equal(200, client.get(address).status) end
    assert.equal(1, n:count_log "ready:")
  end)

  it("has the agent and the workers as direct children of the master, named so", function()
    local n = neap.start { config = neap.config({ origin.start {} }, "workers = 3") }
    assert.equal(4, #n:children())
    assert.equal(3, #n:workers())
    assert.equal("neap: agent", process.name(n:agent()))
    assert.matches("^neap: master %-c .*config%.lua", process.command_line(n.pid))
    assert.matches("^neap: agent %(generation 1%)", process.command_line(n:agent()))
    for _, pid in ipairs(n:workers()) do
      assert.matches("^neap: worker %d %(generation 1%)", process.command_line(pid))
      assert.matches("^neap: worker %d$", process.name(pid))
      assert.same({}, process.children(pid))
    end
  end)

  it("listens on a unix socket, and takes its file away at the end", function()
    local dir = scope.directory()
    local path = dir .. "/front.sock"
    local more = ('listen = "unix:%s"'):format(path)
    local n = neap.start { config = neap.config({ origin.start {} }, more) }
    assert.equal(200, client.get("unix:" .. path).status)
    n:stop()
    assert.is_nil(io.open(path))
  end)

  it("leaves the unix socket that another instance has made there meanwhile", function()
    local path = scope.directory() .. "/front.sock"
    local config = neap.config({ origin.start {} }, ('listen = "unix:%s"'):format(path))
    local first = neap.start { config = config }
    assert(os.remove(path))
    neap.start { config = config }
    first:stop()
    assert.equal(200, client.get("unix:" .. path).status)
  end)

  it("refuses a port that another process listens on", function()
    local _, address = net.listen "127.0.0.1:0"
    local code, stdout, stderr = neap.run({ "-c", "config.lua" }, {
      files = { ["config.lua"] = neap.config({ 1 }, ('listen = "%s"'):format(address)) },
    })
    assert.equal(1, code)
    assert.equal("", stdout)
    assert.matches("neap: .*" .. address:gsub("%p", "%%%0") .. ".*in use", stderr)
  end)

  it("refuses a port that another neap listens on", function()
    local first = neap.start { config = neap.config { origin.start {} } }
    local code, _, stderr = neap.run({ "-c", "config.lua" }, {
      files = { ["config.lua"] = neap.config({ 1 }, ('listen = "%s"'):format(first.address)) },
    })
    assert.equal(1, code)
    assert.matches("in use", stderr)
    assert.equal(200, first:get("/").status)
  end)

  it("ends when the config gives other settings each time it is evaluated", function()
    local config = [[
      local neap = require "neap"
      return { listen = "127.0.0.1:0", backends = { "http://127.0.0.1:1" },
        timeouts = { connect = 1 + neap.random() } }
    ]]
    local files = { ["config.lua"] = config }
    local code, _, stderr = neap.run({ "-c", "config.lua" }, { files = files })
    assert.equal(1, code)
    assert.matches("services%[1%]: the config gives different settings each time it is evaluated",
      stderr)
  end)

  it("does not wait for ever for a config that hangs #slow", function()
    local code, _, stderr = neap.run({ "-c", "config.lua" },
      { files = { ["config.lua"] = "while true do end\n" }, limit = 45 })
    assert.equal(1, code)
    assert.matches("neap: config%.lua.*", stderr)
    assert.equal(1, select(2, stderr:gsub("neap: ", "")))
  end)
end)
