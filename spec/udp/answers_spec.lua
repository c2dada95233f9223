local socket = require "posix.sys.socket"
local eventually = require "support.eventually"
local udp = require "support.udp"

local UDP_SEGMENT = 103 -- of linux/udp.h: posix does not name it
local LOG = 'access_log = { target = "access.log", format = "json" },'

local function log_of(n) return io.open(n.dir .. "/access.log"):read "*a" end

describe("answers in a udp service", function()
  it("come only from the flow's backend", function()
    local server = udp.named "a"
    local n = udp.start { server }
    local c = udp.client(n.address)
    assert.equal("a: x", c:ask "x")
    local stranger = udp.client(server:received()[1].from)
    stranger:send "forged"
    assert.is_true(c:is_silent())
    assert.equal("a: y", c:ask "y")
  end)

  it("end a flow once all that are awaited came", function()
    local server = udp.named "a"
    local n = udp.start({ server }, "responses = 1," .. LOG)
    local c = udp.client(n.address)
    assert.equal("a: 1", c:ask "1")
    eventually(function() return log_of(n):find '"status":200' end)
    assert.equal("a: 2", c:ask "2")
    local list = server:received()
    assert.not_equal(list[1].from, list[2].from)
  end)

  it("that come twice or late find no other flow in the place of theirs", function()
    local server = udp.named "a"
    local n = udp.start({ server }, "responses = 1,")
    local function ports_of_a_moment()
      local c, before, began = udp.client(n.address), #server:received(), eventually.now()
      for _ = 1, 17 do c:ask "x" end
      if eventually.now() - began > 0.1 then return nil end -- they have rested
      local seen, all = {}, server:received()
      for i = before + 1, #all do seen[all[i].from] = (seen[all[i].from] or 0) + 1 end
      return seen
    end
    for _, times in pairs(eventually(ports_of_a_moment)) do assert.equal(1, times) end
  end)

  it("are awaited for each datagram", function()
    local server = udp.server(function(bytes, count)
      return count == 3 and { "1", "2", "3" } or nil, bytes
    end)
    local n = udp.start({ server }, "responses = 1," .. LOG)
    local c = udp.client(n.address)
    for _ = 1, 3 do c:send "x" end
    for i = 1, 3 do assert.equal(tostring(i), c:receive()) end
    eventually(function() return log_of(n):find '"status":200,"bytes":3' end)
  end)

  it("that do not come are a timeout", function()
    local n = udp.start({ udp.server(function() end) }, "responses = 1, timeouts = { udp = 0.3 },"
      .. LOG)
    udp.client(n.address):send "x"
    local line = eventually(function() return log_of(n):match "[^\n]+\n" end)
    assert.matches('"status":504', line, 1, true)
    assert.matches('"kind":"timeout"', line, 1, true)
  end)

  it("need not come without responses", function()
    local server = udp.server(function() end)
    local n = udp.start({ server }, "timeouts = { udp = 0.3 }," .. LOG)
    udp.client(n.address):send "x"
    local line = eventually(function() return log_of(n):match "[^\n]+\n" end)
    assert.matches('"status":200,"bytes":0', line, 1, true)
  end)

  it("of a datagram each, where requests = 1", function()
    local servers = { udp.named "a", udp.named "b" }
    local n = udp.start(servers, "responses = 1, requests = 1,")
    local c = udp.client(n.address)
    assert.equal("a: x", c:ask "x")
    assert.equal("b: x", c:ask "x")
    assert.equal("a: x", c:ask "x")
  end)

  it("of a datagram each, also of those that come in one piece", function()
    local servers = { udp.named "a", udp.named "b" }
    local n = udp.start(servers, "responses = 1, requests = 1,")
    local c = udp.client(n.address)
    assert(socket.setsockopt(c.fd, socket.IPPROTO_UDP, UDP_SEGMENT, 2))
    c:send "x1x2x3x4"
    local answers = {}
    for i = 1, 4 do answers[i] = c:receive() end
    table.sort(answers)
    assert.same({ "a: x1", "a: x3", "b: x2", "b: x4" }, answers)
  end)
end)
