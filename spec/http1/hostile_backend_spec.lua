local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local NO_ANSWERS = {
  ["garbage"] = "SSH-2.0-OpenSSH_9.2\r\n",
  ["an empty line"] = "\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL",
  ["another protocol's version"] = "HTTP/2.0 200 OK\r\nContent-Length: 4\r\n\r\nEVIL",
  ["a version in lower case"] = "http/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL",
  ["a status with two digits"] = "HTTP/1.1 20 OK\r\nContent-Length: 4\r\n\r\nEVIL",
  ["a 1xx with a body"] = "HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\nEVIL",
  ["a status with four digits"] = "HTTP/1.1 2000 OK\r\nContent-Length: 4\r\n\r\nEVIL",
  ["a status out of range"] = "HTTP/1.1 099 OK\r\nContent-Length: 4\r\n\r\nEVIL",
  ["a status that is none"] = "HTTP/1.1 abc OK\r\nContent-Length: 4\r\n\r\nEVIL",
  ["bare LF"] = "HTTP/1.1 200 OK\nContent-Length: 4\n\nEVIL",
  ["a control byte in the reason"] = "HTTP/1.1 200 O\1K\r\nContent-Length: 4\r\n\r\nEVIL",
  ["length and coding"] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n"
    .. "\r\n0\r\n\r\n",
  ["two lengths"] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nEVIL",
  ["a list of lengths"] = "HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\n\r\nEVIL",
  ["a signed length"] = "HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\nEVIL",
  ["a negative length"] = "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nEVIL",
  ["an empty length"] = "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nEVIL",
  ["an unknown coding"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nEVIL",
  ["a coding in HTTP/1.0"] = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ["a space before the colon"] = "HTTP/1.1 200 OK\r\nContent-Length : 4\r\n\r\nEVIL",
  ["a folded line"] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: a\r\n b\r\n\r\nEVIL",
  ["NUL in a field"] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: a\0b\r\n\r\nEVIL",
  ["bare CR in a field"] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: a\rb\r\n\r\nEVIL",
  ["no colon"] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX\r\n\r\nEVIL",
  ["an endless head"] = "HTTP/1.1 200 OK\r\n" .. ("X: " .. ("a"):rep(1000) .. "\r\n"):rep(100),
  ["an endless status line"] = "HTTP/1.1 200 " .. ("a"):rep(100000),
  ["too many fields"] = "HTTP/1.1 200 OK\r\n" .. ("X: a\r\n"):rep(501) .. "\r\nEVIL",
  ["half a head"] = "HTTP/1.1 200 OK\r\nContent-Le",
  ["nothing at all"] = "",
}

describe("a backend's nonsense is a 502, and its connection ends:", function()
  local n, web
  local names = {}
  for name in pairs(NO_ANSWERS) do table.insert(names, name) end

  setup(function()
    n, web = proxied.start({
      connection = function(conn)
        if not conn:read_request() then return end
        local number = tonumber(conn.request.target:match "%d+")
        conn:send(NO_ANSWERS[names[number]])
        conn:finish()
        conn:closed(5)
      end,
    }, "retry = { attempts = 1 }, policy = { failed = function() return 'fail' end }")
  end)

  for number, name in ipairs(names) do
    it(name, function()
      local c = client.connect(n.address)
      local response = c:request("GET", "/" .. number)
      assert.equal(502, response.status)
      assert.is_true(#response.headers["x-neap-error"] > 0)
      assert.is_nil(response.raw:find("EVIL", 1, true))
      assert.is_nil(response.headers.connection)
      eventually(function() return web:open_connections() == 0 end)
    end)
  end
end)

describe("a backend's freedom is accepted:", function()
  for name, case in pairs {
    ["no reason"] = { "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200 },
    ["an empty reason"] = { "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200 },
    ["an unknown status"] = { "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok", 299 },
    ["a status above 599"] = { "HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nok", 600 },
    ["the last status"] = { "HTTP/1.1 999 Denied\r\nContent-Length: 2\r\n\r\nok", 999 },
    ["a length with leading zeros"] = { "HTTP/1.1 200 OK\r\nContent-Length: 002\r\n\r\nok", 200 },
    ["close behind a length"] = {
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200,
    },
  } do
    it(name, function()
      local n = proxied.start {
        connection = function(conn)
          conn:read_request()
          conn:send(case[1])
          conn:closed(5)
        end,
      }
      local response = n:get "/"
      assert.equal(case[2], response.status)
      assert.equal("ok", response.body)
    end)
  end
end)
