local nginx = require "support.nginx"
local origin = require "support.origin"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local SIZE = 1024 * 1024 * 1024

-- A large file without much on disk, in which no two places look alike.
local function large_file(path, size)
  local file = assert(io.open(path, "wb"))
  for offset = 0, size - 1, 65536 do
    file:seek("set", offset)
    file:write(("block at %d\n"):format(offset))
  end
  file:seek("set", size - 1)
  file:write "."
  file:close()
end

local function shell(command, ...)
  local code, output, errors = process.run {
    argv = { "sh", "-c", command, "sh", ... }, limit = 60,
  }
  assert(code == 0, errors)
  return output:match "^%S*"
end

-- Takes bodies and answers with their checksum.
local function hashing()
  return origin.start {
    handler = function(conn)
      local path = os.tmpname()
      local sum = io.popen("md5sum > " .. path, "w")
      conn:read_body(function(bytes) sum:write(bytes) end)
      sum:close()
      local text = scope.read(path)
      os.remove(path)
      return text:match "^%S*"
    end,
  }
end

describe("a gigabyte #slow", function()
  local dir, expected

  setup(function()
    dir = scope.directory()
    large_file(dir .. "/large", SIZE)
    expected = shell("md5sum < $1", dir .. "/large")
  end)

  it("comes down whole, with memory flat", function()
    local n = proxied.before { nginx.start({ root = dir }).url }
    local sum = proxied.while_flat(n, "curl -sSf http://$1/large | md5sum", n.address)
    assert.equal(expected, sum)
  end)

  it("goes up whole, with memory flat", function()
    local n = proxied.before { hashing() }
    local sum = proxied.while_flat(n, "curl -sSf -T $2 http://$1/ -H Expect:", n.address,
      dir .. "/large")
    assert.equal(expected, sum)
  end)

  it("in part goes up whole in chunks, too", function()
    local n = proxied.before { hashing() }
    local file = dir .. "/part"
    large_file(file, SIZE / 8)
    local sum = proxied.while_flat(n, "curl -sSf -T - http://$1/ -H Expect: < $2", n.address, file)
    assert.equal(shell("md5sum < $1", file), sum)
  end)
end)
