local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local GET = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
local UPLOAD = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234"

local CONNECT = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n" -- answered by neap itself

-- The request, and what comes in pieces once the backend has it.
local CLIENTS = {
  ["a request"] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", { GET } },
  ["two requests, one after the other"] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", { GET, GET } },
  ["more than is kept in memory"] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", { GET:rep(4000) } },
  ["a request behind its body"] = { UPLOAD, { "56789" .. GET } },
  ["a request after its body"] = { UPLOAD, { "56789", GET } },
}

describe("a client that pipelines during its request, and leaves, is noticed:", function()
  for name, case in pairs(CLIENTS) do
    it(name, function()
      local n, web = proxied.start({
        connection = function(conn)
          conn:read_head()
          conn:read_all()
        end,
      }, "workers = 1")
      local c = client.connect(n.address)
      c:send(case[1])
      eventually(function() return web:open_connections() == 1 end)
      for _, bytes in ipairs(case[2]) do
        c:send(bytes)
        assert.equal(405, client.request(n.address, CONNECT).status) -- so the worker has read it
      end
      c:close()
      eventually(function() return web:open_connections() == 0 end)
    end)
  end
end)
