local blocks = require "support.blocks"
local eventually = require "support.eventually"
local origin = require "support.origin"
local process = require "support.process"
local proxied = require "support.proxied"
local tcp = require "support.tcp"

local COUNT = 1024 * 1024 * 1024 / blocks.SIZE
local FLAT = 4 * 1024 * 1024 * eventually.slowness

-- Runs the command while the worker's memory is watched.
local function sum_while_flat(n, command, ...)
  local before = proxied.resident(n)
  local p = process.spawn { argv = { "sh", "-c", command, "sh", ... } }
  local highest = before
  eventually(function()
    highest = math.max(highest, proxied.resident(n))
    return not p:alive()
  end, 60, command)
  assert.equal(0, (p:wait()))
  assert.is_true(highest - before < FLAT, ("%d bytes more"):format(highest - before))
  return p:stdout():match "^%S*"
end

local function sender()
  return origin.start {
    connection = function(conn)
      conn:read_request()
      conn:send "HTTP/1.0 200 OK\r\n\r\n"
      for i = 1, COUNT do conn:send(blocks.at(i)) end
    end,
  }
end

describe("a gigabyte over tcp #slow", function()
  it("arrives whole, with memory flat", function()
    local n = tcp.before { sender() }
    local code, sum = process.run {
      argv = { "sh", "-c", "luajit spec/support/blocks.lua $1 | md5sum", "sh", tostring(COUNT) },
      limit = 60,
    }
    assert.equal(0, code)
    local got = sum_while_flat(n, "curl -sSf http://$1/large | md5sum", n.address)
    assert.equal(sum:match "^%S*", got)
  end)
end)
