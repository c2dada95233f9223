local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

-- The coded body as the client gets it, from a backend that sends this one in so many pieces.
local function coded(body, cuts)
  local n, web = proxied.start {
    connection = function(conn)
      while conn:read_request() do
        local at = 1
        for _, cut in ipairs(cuts or {}) do
          conn:send((at == 1 and HEAD or "") .. body:sub(at, cut))
          conn:wait(0.02)
          at = cut + 1
        end
        conn:send((at == 1 and HEAD or "") .. body:sub(at))
      end
    end,
  }
  local c = client.connect(n.address)
  local first = c:request("GET", "/").raw:match "\r\n\r\n(.*)$"
  assert.equal(first, c:request("GET", "/").raw:match "\r\n\r\n(.*)$")
  assert.equal(1, web:connections())
  return first
end

describe("a chunked answer", function()
  it("loses trailers that may not be there, and keeps its connections", function()
    local body = "5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n"
      .. "Set-Cookie: a=b\r\nY: 2\r\n\r\n"
    local wanted = "5\r\nhello\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n"
    assert.equal(wanted, coded(body))
    for _, cuts in ipairs { { 14 }, { 23 }, { 25, 30, 39 }, { 37 }, { 38 }, { 42, 43 } } do
      assert.equal(wanted, coded(body, cuts))
    end
  end)

  it("loses blanks in its size lines", function()
    assert.equal("5;a=b;c\r\nhello\r\n0\r\n\r\n", coded "5 ; a = b ; c \r\nhello\r\n0  \r\n\r\n")
  end)

  it("may be large and full of both", function()
    local piece, clean = {}, {}
    for index = 1, 60 do
      local data = ("x"):rep(index * 97)
      piece[index] = ("%x   \r\n%s\r\n"):format(#data, data)
      clean[index] = ("%x\r\n%s\r\n"):format(#data, data)
    end
    local trailers = ("TE: x\r\nX-%d: y\r\n"):rep(20):gsub("%%d", "1")
    assert.equal(table.concat(clean) .. "0\r\n" .. ("X-1: y\r\n"):rep(20) .. "\r\n",
      coded(table.concat(piece) .. "0 \r\n" .. trailers .. "\r\n"))
  end)

  it("reaches a client that reads late without what is left out", function()
    local data = proxied.pattern(400000)
    local body = ("%x \r\n%s\r\n"):format(#data, data):rep(10) .. "0\r\nHost: x\r\nT: 1\r\n\r\n"
    local n, web = proxied.start {
      connection = function(conn)
        conn:read_request()
        conn:send(HEAD .. body)
        conn:read_all()
      end,
    }
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return web:connections() == 1 end)
    local response = c:read_response()
    assert.is_true(response.body == data:rep(10))
    assert.equal("1", response.trailers.t)
    assert.is_nil(response.trailers.host)
  end)
end)
