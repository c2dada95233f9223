local client = require "support.client"
local dirent = require "posix.dirent"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local unistd = require "posix.unistd"

-- Shows by /inflight what the board counts, without a backend.
local CONFIG = [[
local neap = require "neap"
return {
  workers = 1,
  services = { {
    listen = "127.0.0.1:0", pool = "p",
    policy = {
      request = function(request)
        if request.path ~= "/inflight" then return end
        return neap.reply { status = 200, body = tostring(neap.pool("p").all[1].inflight) }
      end,
      failed = function() return "fail" end,
    },
  } },
  pools = { p = { backends = { %q }, health = { type = "none" } } },
}]]

local LARGE = 3 * 1024 * 1024
local ANSWER = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
  .. "5\r\nhello\r\n0\r\nX: y\r\n\r\n"

local function serve(conn, request)
  local body = conn:read_body()
  if request.target == "/large" then
    return { body = ("x"):rep(LARGE) }
  elseif request.target:find "^/cut/" then
    conn:send(ANSWER:sub(1, tonumber(request.target:match "%d+")))
    return conn:reset()
  end
  return tostring(#(body or ""))
end

local function count_sockets(n)
  local count, dir = 0, ("/proc/%d/fd/"):format(n:workers()[1])
  for name in dirent.files(dir) do
    if (unistd.readlink(dir .. name) or ""):find "^socket:" then count = count + 1 end
  end
  return count
end

local function start()
  local web = origin.start { handler = serve }
  local n = neap.start { config = CONFIG:format(web.url) }
  assert.equal(200, n:get("/").status)
  local idle
  eventually(function()
    local now = count_sockets(n)
    local same = now == idle
    idle = now
    return same
  end)
  return n, web, idle
end

-- Nothing is left but at most the one kept-alive backend connection of the beginning.
local function assert_nothing_left(n, web, idle)
  eventually(function() assert.equal("0", n:get("/inflight").body) end)
  eventually(function() return web:open_connections() <= 1 end)
  eventually(function() return count_sockets(n) <= idle end)
  assert.equal(200, n:get("/").status)
end

describe("nothing leaks", function()
  for _, ending in ipairs { "close", "reset" } do
    it(("when clients leave in the middle of an answer (%s)"):format(ending), function()
      local n, web, idle = start()
      for _ = 1, 40 do
        local c = client.connect(n.address)
        c:send "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
        c:receive(1000)
        c[ending](c)
      end
      assert_nothing_left(n, web, idle)
    end)

    for _, coding in ipairs { "Content-Length: 3000000", "Transfer-Encoding: chunked" } do
      it(("when clients leave in the middle of an upload (%s, %s)"):format(ending, coding),
        function()
          local n, web, idle = start()
          local bytes = (coding:find "chunked" and "186a0\r\n" or "") .. ("x"):rep(100000)
          for _ = 1, 40 do
            local c = client.connect(n.address)
            c:send("PUT / HTTP/1.1\r\nHost: a\r\n" .. coding .. "\r\n\r\n")
            c:send(bytes)
            c[ending](c)
          end
          assert_nothing_left(n, web, idle)
        end)
    end
  end

  it("when clients reset at any point of a request", function()
    local n, web, idle = start()
    local text = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "5\r\nhello\r\n0\r\nX: y\r\n\r\n"
    for length = 0, #text do
      local c = client.connect(n.address)
      c:send(text:sub(1, length))
      c:reset()
    end
    assert_nothing_left(n, web, idle)
  end)

  it("when a backend resets at any point of its answer", function()
    local n, web, idle = start()
    local head = ANSWER:find("\r\n\r\n", 1, true) + 3
    for length = 0, #ANSWER do
      local response = n:get("/cut/" .. length)
      if length < head then
        assert.equal(502, response.status)
      else
        assert.equal(200, response.status)
        assert.equal(length < #ANSWER, response.truncated == true)
      end
    end
    assert_nothing_left(n, web, idle)
  end)

  it("when many do all of it at once", function()
    local n, web, idle = start()
    local clients = {}
    for index = 1, 60 do
      local c = client.connect(n.address)
      local path = ({ "/large", "/cut/60", "/" })[index % 3 + 1]
      -- a whole "/" would leave a kept-alive backend connection
      local length = path == "/" and 100 or 50
      c:send(("PUT %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"):format(path, length))
      c:send(("x"):rep(index))
      clients[index] = c
    end
    for index, c in ipairs(clients) do c[index % 2 == 0 and "reset" or "close"](c) end
    assert_nothing_left(n, web, idle)
  end)
end)
