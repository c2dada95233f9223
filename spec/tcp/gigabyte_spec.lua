local blocks = require "support.blocks"
local origin = require "support.origin"
local process = require "support.process"
local proxied = require "support.proxied"
local tcp = require "support.tcp"

local COUNT = 1024 * 1024 * 1024 / blocks.SIZE

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
    local got = proxied.while_flat(n, "curl -sSf http://$1/large | md5sum", n.address)
    assert.equal(sum:match "^%S*", got)
  end)
end)
