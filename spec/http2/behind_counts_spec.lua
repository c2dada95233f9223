-- What is shown of connections and streams to backends of HTTP/2.
local admin = require "support.admin"
local behind = require "support.behind"
local client = require "support.client"
local eventually = require "support.eventually"
local h2_server = require "support.h2_server"

describe("connections and streams of HTTP/2 to a backend", function()
  it("are in the status and the metrics as long as they are there", function()
    local o = h2_server.start { handler = function(h2, stream)
      h2:head(stream.id, { { ":status", "200" } })
      h2:wait(function() return stream.reset end)
    end }
    local n = behind.before({ o }, "keepalive = { idle = 0.3 }",
      ('admin = { listen = "127.0.0.1:0", token = %q }'):format(admin.token))
    local function counted()
      local found = {}
      for name, value in pairs(admin.metrics(n)) do
        local what = name:match "^neap_backend_http2_(%a+){"
        if what then found[what] = value end
      end
      return found.connections .. " " .. found.streams
    end
    assert.equal("0 0", counted())
    assert.is_nil(admin.status(n).pools[1].backends[1].http2)
    local clients = {}
    for i = 1, 3 do
      clients[i] = client.connect(n.address)
      clients[i]:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    end
    eventually(function() return counted() == "1 3" end)
    eventually(function()
      assert.same({ connections = 1, streams = 3 }, admin.status(n).pools[1].backends[1].http2)
    end)
    for i = 1, 3 do clients[i]:close() end
    eventually(function() return counted() == "0 0" end)
  end)
end)
