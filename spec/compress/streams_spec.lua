local client = require "support.client"
local compressed = require "support.compressed"
local eventually = require "support.eventually"
local proxied = require "support.proxied"
local scope = require "support.scope"

local HEAD = "HTTP/1.1 200 OK\r\n" .. compressed.TYPE
local CHUNKED = HEAD .. "Transfer-Encoding: chunked\r\n\r\n"
local CODINGS = { "gzip", "br", "zstd" }

local function ask(n, coding)
  local c = client.connect(n.address)
  c:send(("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: %s\r\n\r\n"):format(coding))
  return c
end

local function read_chunk(c)
  local size = tonumber(c:receive_until("\r\n"):match "%x+", 16)
  local bytes = size > 0 and c:receive(size) or ""
  c:receive(2)
  return bytes
end

local function sending(bytes, ending)
  return { connection = function(conn)
    conn:read_request()
    conn:send(bytes)
    if ending == "reset" then conn:wait(0.05) conn:reset() end
  end }
end

describe("compress", function()
  it("passes on each event as it comes", function()
    for _, coding in ipairs(CODINGS) do
      local dir = scope.directory()
      local n = compressed.start(function(conn)
        conn:send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
          .. "Transfer-Encoding: chunked\r\n\r\n")
        for i = 1, 3 do
          conn:send(("7\r\ndata: %d\r\n"):format(i))
          while not io.open(dir .. "/seen" .. i) do conn:wait(0.01) end
        end
        conn:send "0\r\n\r\n"
      end)
      local c = ask(n, coding)
      c:receive_until "\r\n\r\n"
      local bytes, seen = "", ""
      for i = 1, 3 do
        seen = seen .. ("data: %d"):format(i)
        repeat bytes = bytes .. read_chunk(c) until compressed.plain(coding, bytes) == seen
        scope.write(dir .. "/seen" .. i, "")
      end
      while true do
        local chunk = read_chunk(c)
        if chunk == "" then break end
        bytes = bytes .. chunk
      end
      assert.equal(seen, compressed.plain(coding, bytes))
    end
  end)

  it("takes a body that is cut anywhere", function()
    local text = "It is short, and cut at each place."
    local coded = proxied.chunked { text:sub(1, 9), text:sub(10, 11), text:sub(12) }
    local n = compressed.start(function(conn, request)
      local at = tonumber(request.target:sub(2))
      conn:send(CHUNKED .. coded:sub(1, at))
      conn:wait(0.002)
      conn:send(coded:sub(at + 1))
    end)
    local c = client.connect(n.address)
    for at = 1, #coded - 1 do
      local coding = CODINGS[at % 3 + 1]
      local response = c:request("GET", "/" .. at, { ["Accept-Encoding"] = coding })
      assert.equal(text, compressed.plain(coding, response.body), at)
    end
  end)

  it("takes a body until the backend's end, and the client's connection goes on", function()
    local n = compressed.start(sending(HEAD .. "\r\nto the end"))
    local c = client.connect(n.address)
    for _ = 1, 2 do
      local response = c:request("GET", "/", { ["Accept-Encoding"] = "gzip" })
      assert.equal("to the end", compressed.plain("gzip", response.body))
    end
  end)

  it("passes on trailers", function()
    local n = compressed.start(function(conn)
      conn:send(CHUNKED .. proxied.chunked({ "hello" }, "X-Sum: 1\r\nX-More: 2\r\n"))
    end)
    local c = ask(n, "gzip")
    local response = c:read_response()
    assert.equal("hello", compressed.plain("gzip", response.body))
    assert.same({ "1", "2" }, { response.trailers["x-sum"], response.trailers["x-more"] })
  end)

  it("shows a client that the backend broke off", function()
    for name, bytes in pairs { length = HEAD .. "Content-Length: 5000\r\n\r\nhello",
      chunk = CHUNKED .. "a\r\nhello", between = CHUNKED .. "5\r\nhello\r\n",
      bad = CHUNKED .. "5\r\nhello\r\nZZ\r\n" } do
      for _, ending in ipairs { "close", "reset" } do
        local n = compressed.start(sending(bytes, ending), { allow = { "broke off" } })
        local response = ask(n, "gzip"):read_response()
        assert.same({ 200, true, "hello" }, { response.status, response.truncated,
          compressed.plain("gzip", response.body) }, name .. " " .. ending)
        for _, option in ipairs { "--http1.1", "--http2-prior-knowledge" } do
          local answer = compressed.get(n, "/", { accept = "br", curl = { option } })
          assert.is_true(answer.code ~= 0, option)
        end
      end
    end
  end)

  it("holds the backend while the client does not read, at little memory", function()
    local text = proxied.pattern(65536) -- it hardly gets smaller
    local n = compressed.start(function(conn)
      conn:send(HEAD .. "Content-Length: 104857600\r\n\r\n")
      for _ = 1, 1600 do
        if not conn:send(text) then return end
      end
    end, { allow = { "broke off" } })
    assert.equal(0, compressed.get(n, "/", { accept = "zstd", curl = { "-r", "0-1",
      "--max-filesize", "999999999", "-I" } }).code)
    local before = proxied.resident(n)
    local clients = {}
    for i = 1, 3 do
      clients[i] = ask(n, CODINGS[i])
      clients[i]:receive(1000)
    end
    local most = 16 * 1024 * 1024 * eventually.slowness
    eventually.always(function() return proxied.resident(n) - before < most end, 0.3)
    for _, c in ipairs(clients) do c:reset() end
  end)

  it("answers others while it compresses", function()
    local large = compressed.text(8000000)
    local n = compressed.start(function(_, request)
      return { headers = { ["Content-Type"] = "text/plain" },
        body = request.target == "/" and large or "small" }
    end)
    local c = ask(n, "br")
    c:receive(100)
    assert.equal("small", n:get("/small").body)
    local response = ask(n, "gzip"):read_response()
    assert.is_true(compressed.plain("gzip", response.body) == large)
  end)
end)
