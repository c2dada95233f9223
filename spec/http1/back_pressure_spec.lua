local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local BLOCK = 65536
local SIZE = 200 * 1024 * 1024
local FLAT = 1024 * 1024 * (eventually.slowness > 1 and 8 or 1) -- sanitizers keep what is freed

-- Sends SIZE bytes, or as much as is taken.
local function serve(conn, request)
  if request.target ~= "/large" then return "small" end
  local block = ("x"):rep(BLOCK)
  conn:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(SIZE))
  for _ = 1, SIZE / BLOCK do
    if not conn:send(block) then return end
  end
end

local function read_all(c)
  local have = 0
  c:receive_until "\r\n\r\n"
  while true do
    local bytes = c:receive_some()
    if not bytes then return have end
    have = have + #bytes
    if have == SIZE then return have end
  end
end

describe("back-pressure", function()
  it("holds a backend to the pace of its reader, at kilobytes of memory", function()
    local n = proxied.start(serve)
    assert.equal("small", n:get("/").body)
    local before = proxied.resident(n)
    local clients = {}
    for index = 1, 4 do
      clients[index] = client.connect(n.address)
      clients[index]:send "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
      clients[index]:receive(1000)
    end
    eventually.always(function() return proxied.resident(n) - before < FLAT end, 0.3)
    for _, c in ipairs(clients) do c:reset() end
    assert.equal("small", n:get("/").body)
  end)

  it("does not stall a reader that takes all of it", function()
    local n = proxied.start(serve)
    local c = client.connect(n.address)
    local before = proxied.resident(n)
    c:send "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
    assert.equal(SIZE, read_all(c))
    assert.is_true(proxied.resident(n) - before < FLAT)
  end)

  it("holds a client to the pace of a backend that reads slowly", function()
    local n, web = proxied.start(function(conn)
      conn:read_until "go"
      local length = 0
      conn:read_body(function(bytes) length = length + #bytes end)
      return tostring(length + 2)
    end)
    local c = client.connect(n.address, { timeout = 0.3 })
    local count = 100 * 1024 * 1024
    c:send(("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"):format(count))
    eventually(function() return web:requests()[1] end)
    web:pause()
    local before, sent, block = proxied.resident(n), 0, ("y"):rep(BLOCK)
    while c:try_send(block) do sent = sent + BLOCK end
    assert.is_true(sent < count)
    assert.is_true(proxied.resident(n) - before < FLAT)
  end)

  it("does not let a slow one slow others down", function()
    local n = proxied.start(serve)
    local slow = client.connect(n.address)
    slow:send "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
    slow:receive(1000)
    for _ = 1, 20 do assert.equal("small", n:get("/").body) end
  end)
end)
