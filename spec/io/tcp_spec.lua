local hook_code = require "support.hook_code"
local origin = require "support.origin"
local testing = require "neap.testing"

local function talk(connection, code)
  local peer = origin.start { connection = connection, allow_errors = true }
  return (hook_code.run("local c = assert(neap.tcp.connect(address, 2))\n" .. code,
    { address = peer.address }))
end

describe("neap.tcp", function()
  it("receives up to a delimiter, however it comes", function()
    assert.equal("one|two||rest", talk(function(conn)
      for byte in ("one\r\n.\r\ntwo\r\n.\r\n\r\n.\r\nrest"):gmatch "." do
        conn:send(byte)
        conn:wait(0)
      end
    end, [[
      local function part() return assert(c:receive_until "\r\n.\r\n") end
      return table.concat({ part(), part(), part(), c:receive "*a" }, "|")]]))
  end)

  it("receives many small things fast", function()
    assert.equal("50000 closed", talk(function(conn)
      conn:send((":1\r\n"):rep(50000))
    end, [[
      local n, line, why = 0
      repeat
        line, why = c:receive()
        if line == ":1" then n = n + 1 end
        if n % 200 == 0 then neap.sleep(0) end
      until not line
      return n .. " " .. why]]))
  end)

  it("gives what has come", function()
    assert.equal("ab ab closed", talk(function(conn) conn:send "abab" end, [[
      neap.sleep(0.1)
      return table.concat({ c:receive_some(2), c:receive_some(100), select(2, c:receive_some(1)) },
        " ")]]))
  end)

  it("bounds all of it", function()
    assert.equal("too much was received|delimiter|too much was received|closed", talk(function(conn)
      conn:send(("x"):rep(100000) .. "#")
    end, [[
      local told = {}
      told[1] = select(2, c:receive_until("#", 10))
      told[2] = select(2, pcall(c.receive_until, c, "")):match "delimiter"
      told[3] = select(2, c:receive_until "#")
      c:receive_until("#", 100000)
      told[4] = select(2, c:receive_until "#")
      return table.concat(told, "|")]]))
  end)

  it("does the same in the test kit", function()
    local policy = { request = function()
      local neap = require "neap"
      local c = assert(neap.tcp.connect("peer", 7))
      local parts = { c:receive_until "--", c:receive_some(3), select(2, c:receive_until("#", 2)) }
      return neap.reply { body = table.concat(parts, "|") }
    end }
    local network = { tcp = { ["peer:7"] = "one--twoxyz#" } }
    assert.equal("one|two|too much was received",
      testing.pool(1, { policy = policy, network = network }):send().body)
  end)
end)
