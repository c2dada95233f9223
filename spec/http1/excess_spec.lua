local client = require "support.client"
local eventually = require "support.eventually"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local EVIL = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"

-- The first connection sends more than was asked for; the others behave.
local function first_sends(bytes)
  return {
    connection = function(conn)
      while conn:read_request() do
        conn:send(conn.id == 1 and bytes or "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
      end
    end,
  }
end

describe("bytes behind an answer", function()
  for _, case in ipairs {
    { "with a length", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood", "GET" },
    { "in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n",
      "GET" },
    { "to HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "HEAD" },
    { "of 204", "HTTP/1.1 204 No Content\r\n\r\n", "GET" },
    { "of 304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", "GET" },
  } do
    it(case[1] .. " answer nobody: the backend connection ends", function()
      local n, web = proxied.start(first_sends(case[2] .. EVIL))
      local c = client.connect(n.address)
      local first = c:request(case[3], "/")
      assert.is_nil(first.raw:find("EVIL", 1, true))
      assert.equal("good", c:request("GET", "/").body)
      assert.equal("good", n:get("/").body)
      assert.equal(2, web:connections())
    end)
  end

  it("that come later, on an idle connection, end it too", function()
    local n, web = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:send "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
        if conn.id == 1 then
          conn:wait(0.05)
          conn:send(EVIL)
        end
        conn:closed(5)
      end,
    }
    local c = client.connect(n.address)
    assert.equal("good", c:request("GET", "/").body)
    eventually(function() return web:open_connections() == 0 end)
    assert.equal("good", c:request("GET", "/").body)
  end)

  -- Both are there when the worker wakes up.
  for _, order in ipairs { "before", "behind" } do
    it(("%s the next request, with it, do not answer it"):format(order), function()
      local n, web = proxied.start {
        connection = function(conn)
          conn:read_request()
          conn:send "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
          if conn.id == 1 then
            conn:wait(0.2)
            conn:send(EVIL)
          end
          conn:closed(5)
        end,
      }
      local c = client.connect(n.address)
      assert.equal("good", c:request("GET", "/").body)
      local worker, ask = n:workers()[1], "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      process.signal(worker, "STOP")
      eventually(function() return scope.read(("/proc/%d/stat"):format(worker)):match "%) T" end)
      if order == "behind" then c:send(ask) end
      eventually.always(function() return web:open_connections() == 1 end, 0.4)
      if order == "before" then c:send(ask) end
      process.signal(worker, "CONT")
      assert.equal("good", c:read_response().body)
      assert.equal(2, web:connections())
    end)
  end
end)
