local client = require "support.client"
local eventually = require "support.eventually"
local h2_client = require "support.h2_client"
local proxied = require "support.proxied"

-- Sends these bytes, then ends the connection in the way that `ending` names.
local function breaking(bytes, ending)
  return {
    connection = function(conn)
      conn:read_request()
      conn:send(bytes)
      conn:wait(0.05)
      if ending == "reset" then conn:reset() end
    end,
  }
end

local LENGTH = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
local CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
local UNTIL_CLOSE = "HTTP/1.1 200 OK\r\n\r\nhello"

describe("an answer that the backend breaks off", function()
  for _, case in ipairs {
    { "inside its length", LENGTH },
    { "inside a chunk", CHUNKED .. "a\r\nhello" },
    { "inside a chunk's size", CHUNKED .. "5\r\nhello\r\n5" },
    { "between chunks", CHUNKED .. "5\r\nhello\r\n" },
    { "before the end of the trailers", CHUNKED .. "5\r\nhello\r\n0\r\nA: b\r\n" },
  } do
    for _, ending in ipairs { "close", "reset" } do
      it(("%s (%s) is seen by the client as broken off"):format(case[1], ending), function()
        local n, web = proxied.start(breaking(case[2], ending))
        local response = n:get "/"
        assert.equal(200, response.status)
        assert.is_true(response.truncated)
        assert.equal("hello", response.body)
        eventually(function() return web:open_connections() == 0 end)
      end)
    end
  end

  it("is told in the log", function()
    local n, web = proxied.start(breaking(LENGTH))
    n:get "/"
    n:wait_log("warn the answer of " .. web.url:gsub("%p", "%%%0")
      .. " broke off after 5 bytes of its body: backend broke off its answer")
  end)

  it("is told with its reason when a chunk is none, and came with the head", function()
    local n = proxied.start(breaking(CHUNKED .. "5\r\nhello\r\nZZ\r\n"))
    n:allow "broke off"
    local response = n:get "/"
    assert.is_true(response.truncated)
    n:wait_log "broke off after %d+ bytes of its body: backend sent a malformed body"
    local answer = h2_client.connect(n.address):get "/"
    assert.same({ 200, "INTERNAL_ERROR" }, { answer.status, answer.reset })
  end)

  it("by a reset where the close would be its end is a reset", function()
    local n = proxied.start(breaking(UNTIL_CLOSE, "reset"))
    local response = n:get "/"
    assert.is_true(response.truncated)
    assert.equal("reset", response.ended)
  end)

  it("is not sent again, even if another backend is there", function()
    local n, web = proxied.start(breaking(LENGTH))
    local response = n:get "/"
    assert.is_true(response.truncated)
    assert.equal(1, #web:requests())
  end)

  it("with a malformed chunk breaks off before it", function()
    for _, bad in ipairs { "zz\r\n", "-1\r\n", "5 \r\n", "0x5\r\n", "5\n", "10000000000000000\r\n",
      "5\r\nhelloX\r\n", "5 5\r\nhello\r\n",
      "0\r\nA b\r\n\r\n", "0\r\nContent-Length : 3\r\n\r\n" } do
      local n = proxied.start(breaking(CHUNKED .. "5\r\nfirst\r\n" .. bad))
      local response = n:get "/"
      assert.is_true(response.truncated, bad)
      assert.matches("^first", response.body)
      n:stop()
    end
  end)

  it("does not harm the next client", function()
    local n = proxied.start {
      connection = function(conn)
        while conn:read_request() do
          if conn.request.target == "/break" then return conn:send(LENGTH) end
          conn:send "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        end
      end,
    }
    for _ = 1, 3 do
      assert.equal("ok", n:get("/").body)
      assert.is_true(n:get("/break").truncated)
    end
    local c = client.connect(n.address)
    assert.equal("ok", c:request("GET", "/").body)
  end)
end)
