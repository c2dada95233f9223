local eventually = require "support.eventually"
local nginx = require "support.nginx"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"
local tcp = require "support.tcp"

local SIZE = 1024 * 1024 * 1024
local FLAT = 4 * 1024 * 1024 * eventually.slowness

-- A large file without much on disk, in which no two places look alike.
local function large_file(path)
  local file = assert(io.open(path, "wb"))
  for offset = 0, SIZE - 1, 65536 do
    file:seek("set", offset)
    file:write(("block at %d\n"):format(offset))
  end
  file:seek("set", SIZE - 1)
  file:write "."
  file:close()
end

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

describe("a gigabyte over tcp #slow", function()
  it("arrives whole, with memory flat", function()
    local dir = scope.directory()
    large_file(dir .. "/large")
    local code, sum = process.run { argv = { "md5sum", dir .. "/large" }, limit = 60 }
    assert.equal(0, code)
    local n = tcp.before { nginx.start({ root = dir }).address }
    local got = sum_while_flat(n, "curl -sSf http://$1/large | md5sum", n.address)
    assert.equal(sum:match "^%S*", got)
  end)
end)
