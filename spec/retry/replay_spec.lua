local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local proxied = require "support.proxied"

-- Reads this much of the body, then resets; by default all.
local function breaking(count)
  return origin.start {
    name = "bad",
    connection = function(conn)
      conn:read_request()
      if count then conn:read(count) else conn:read_body() end
      conn:reset()
    end,
  }
end

local function echoing()
  return origin.start { name = "good", handler = function(conn) return (conn:read_body()) end }
end

local CHUNKED = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

describe("the body of a request that is sent again", function()
  for _, size in ipairs { 0, 1, 20000, 65536 } do
    it(("is whole, with its length: %d bytes"):format(size), function()
      local bad, good = breaking(), echoing()
      local n = proxied.before { bad, good }
      local c = client.connect(n.address)
      local body = proxied.pattern(size)
      local response = c:request("PUT", "/", nil, body)
      assert.equal(200, response.status)
      assert.is_true(response.body == body)
      assert.equal(1, #bad:requests())
      assert.equal("web", c:request("PUT", "/", nil, "web").body)
    end)
  end

  it("is whole in chunks, trailers included", function()
    local bad, good = breaking(), echoing()
    local n = proxied.before { bad, good }
    local c = client.connect(n.address)
    c:send(CHUNKED .. proxied.chunked({ proxied.pattern(30000), "x", proxied.pattern(20000) },
      "X-Sum: 1\r\n"))
    local response = c:read_response()
    assert.is_true(response.body == proxied.pattern(30000) .. "x" .. proxied.pattern(20000))
    assert.equal("1", good:requests()[1].trailers["x-sum"])
    assert.equal(1, #bad:requests())
    assert.equal("next", c:request("PUT", "/", nil, "next").body)
  end)

  it("follows whole to the next backend when the first breaks off in its middle", function()
    local bad, good = breaking(10), echoing()
    local n = proxied.before { bad, good }
    local c = client.connect(n.address)
    c:send "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n"
    c:send "0123456789"
    eventually(function() return good:requests()[1] end)
    c:send "abcdefghij"
    c:send "ABCDEFGHIJ"
    assert.equal("0123456789abcdefghijABCDEFGHIJ", c:read_response().body)
  end)

  it("loses nothing that comes while the break is being noticed", function()
    local bad, good = breaking(10), echoing()
    local n = proxied.before({ bad, good }, "policy = { failed = function() return 'retry' end }")
    local body = proxied.pattern(2000)
    for _ = 1, 50 do
      local c = client.connect(n.address)
      c:send "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n"
      for from = 1, 2000, 50 do c:send(body:sub(from, from + 49)) end
      assert.is_true(c:read_response().body == body)
      c:close()
    end
  end)

  it("is kept up to retry.body_bytes; a larger one is not sent again", function()
    for _, case in ipairs { { 1000, 200 }, { 1001, 502 } } do
      local n = proxied.before({ breaking(), echoing() }, "retry = { body_bytes = 1000 }")
      local c = client.connect(n.address)
      c:send(("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"):format(case[1]))
      for _ = 1, case[1], 100 do
        eventually.pause(0.005, "so that not all comes with the head") -- not all with the head
        c:try_send(("x"):rep(100))
      end
      assert.equal(case[2], c:read_response().status)
      n:stop()
    end
  end)

  it("may be more than is kept when nothing was sent yet", function()
    local dead = "http://" .. require("support.net").refused()
    local n = proxied.before({ dead, echoing() }, "retry = { body_bytes = 1000 }")
    local c = client.connect(n.address)
    local body = proxied.pattern(300000)
    assert.is_true(c:request("POST", "/", nil, body).body == body)
  end)

  it("larger than is kept, once under way, ends in 502 and closes", function()
    local bad, good = breaking(100000), echoing()
    local n = proxied.before { bad, good }
    local c = client.connect(n.address)
    c:send "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n"
    c:try_send(proxied.pattern(150000))
    local response = c:read_response()
    assert.equal(502, response.status)
    assert.equal("close", response.headers.connection)
    assert.equal(0, #good:requests())
  end)
end)
