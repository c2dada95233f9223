local eventually = require "support.eventually"
local process = require "support.process"
local scope = require "support.scope"
local udp = require "support.udp"

local function reload(n, number)
  n:signal "HUP"
  n:wait_log(("reloaded: generation %d serves"):format(number), 10)
end

describe("over a reload a flow", function()
  it("goes on: with its backend, from the same port, and back", function()
    local servers = { udp.named "a", udp.named "b" }
    local n = udp.start(servers)
    local first, second = udp.client(n.address), udp.client(n.address)
    assert.equal("a: 1", first:ask "1")
    assert.equal("b: 1", second:ask "1")
    for number = 2, 4 do
      reload(n, number)
      assert.equal("a: x", first:ask "x")
      assert.equal("b: x", second:ask "x")
    end
    for _, server in ipairs(servers) do
      local list = server:received()
      assert.equal(4, #list)
      for _, d in ipairs(list) do assert.equal(list[1].from, d.from) end
    end
  end)

  it("that was not answered yet goes on, too", function()
    local server = udp.server(function(bytes, count) return count > 1 and bytes or nil end)
    local n = udp.start { server }
    local c = udp.client(n.address)
    c:send "1"
    eventually(function() return #server:received() == 1 end)
    reload(n, 2)
    assert.equal("2", c:ask "2")
    local list = server:received()
    assert.equal(list[1].from, list[2].from)
  end)

  it("is logged once, by the worker that has it at its end", function()
    local n = udp.start({ udp.named "a" }, [[timeouts = { udp = 4 },
      access_log = { target = "access.log", format = "json" },]])
    local c = udp.client(n.address)
    c:ask "12345"
    reload(n, 2)
    c:ask "12345"
    eventually(function()
      return scope.read(n.dir .. "/access.log"):match '"status":200,"bytes":16'
    end)
    local _, lines = scope.read(n.dir .. "/access.log"):gsub("\n", "")
    assert.equal(1, lines)
  end)

  it("goes on where an earlier worker gave its flows too late to have an heir", function()
    local server = udp.named "a"
    local n = udp.start { server }
    local c = udp.client(n.address)
    assert.equal("a: 1", c:ask "1")
    local eldest = n:workers()[1]
    process.signal(eldest, "STOP")
    reload(n, 2)
    assert.equal("a: 2", c:ask "2") -- begun anew
    process.signal(eldest, "CONT")
    eventually(function() return not process.exists(eldest) end)
    reload(n, 3)
    assert.equal("a: 3", c:ask "3")
    local list = server:received()
    assert.not_equal(list[1].from, list[2].from)
    assert.equal(list[2].from, list[3].from)
  end)

  it("begins anew where its backend is gone", function()
    local servers = { udp.named "a", udp.named "b" }
    local n = udp.start { servers[1] }
    local c = udp.client(n.address)
    assert.equal("a: 1", c:ask "1")
    local text = udp.config { servers[2] }
    scope.write(n.dir .. "/config.lua", (text:gsub("127%.0%.0%.1:0", n.address)))
    reload(n, 2)
    assert.equal("b: 2", c:ask "2")
  end)
end)
