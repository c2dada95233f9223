local origin = require "support.origin"
local proxied = require "support.proxied"

-- A backend that sends the head of its answer and then does as told.
local function head_only(length, then_do)
  return origin.start {
    connection = function(conn)
      conn:read_request()
      conn:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(length))
      then_do(conn)
    end,
  }
end

describe("a head without its body", function()
  it("is no answer yet: when the backend dies there, another one answers", function()
    local dying = head_only(5, function(conn) conn:close() end)
    local n = proxied.before { dying, origin.start { name = "web" } }
    for _ = 1, 3 do assert.equal("web", n:get("/").body) end
    assert.equal(1, #dying:requests())
  end)

  it("and a backend that stalls there get a 504 after stream_idle, and it stays up", function()
    local stalling = head_only(5, function(conn) conn:closed(10) end)
    local n = proxied.before({ stalling }, "timeouts = { stream_idle = 0.2 }")
    assert.equal(504, n:get("/").status)
    assert.equal(0, n:count_log "is dead")
  end)

  it("goes on as soon as the body begins", function()
    local slow = head_only(5, function(conn)
      conn:send "he"
      conn:send "llo"
    end)
    local n = proxied.before { slow }
    assert.equal("hello", n:get("/").body)
  end)

  it("of a large body goes on at once", function()
    local broken = head_only(100000, function(conn) conn:close() end)
    local n = proxied.before { broken, origin.start { name = "web" } }
    assert.is_true(n:get("/").truncated)
  end)
end)
