local cjson = require "cjson"
local client = require "support.client"
local eventually = require "support.eventually"
local scope = require "support.scope"
local tcp = require "support.tcp"

-- → the log's line about a connection on which this was sent (and this much came back)
local function line_of(connection, bytes, expected)
  local n = tcp.start(connection, 'access_log = { target = "a.log", format = "json" }')
  local c = client.connect(n.address)
  c:send(bytes)
  c:receive(expected)
  c:close()
  return cjson.decode(eventually(function()
    return scope.read(n.dir .. "/a.log"):match "[^\n]+\n"
  end))
end

describe("the access log of a tcp service", function()
  it("has the time of the backend's first byte", function()
    local line = line_of(tcp.echo, "hello", 5)
    assert.equal(5, line.bytes)
    assert.is_true(line.first_byte >= 0 and line.total >= line.first_byte)
  end)

  it("has none where the backend sent none: its end is no byte", function()
    local line = line_of(function(conn) conn:read_all() end, "hello", 0)
    assert.equal(0, line.bytes)
    assert.is_nil(line.first_byte)
  end)
end)
