local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local proxied = require "support.proxied"

-- Takes a request and resets instead of an answer.
local function poison(name)
  return origin.start {
    name = name,
    connection = function(conn)
      conn:read_request()
      if conn.request.headers["content-length"] then conn:read_body() end
      conn:reset()
    end,
  }
end

local RETRY = "policy = { failed = function() return 'retry' end }"

describe("a request that a backend may have acted on", function()
  for _, method in ipairs { "POST", "PATCH", "PROPFIND", "post" } do
    it("is not sent twice: " .. method, function()
      local webs = { poison "a", poison "b" }
      local n = proxied.before(webs, RETRY)
      local c = client.connect(n.address)
      assert.equal(502, c:request(method, "/", nil, "body").status)
      assert.equal(1, #webs[1]:requests() + #webs[2]:requests())
    end)
  end

  for _, method in ipairs { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE" } do
    it("is sent again when that does no harm: " .. method, function()
      local webs = { poison "a", poison "b" }
      local n = proxied.before(webs, RETRY)
      local c = client.connect(n.address)
      assert.equal(502, c:request(method, "/").status)
      assert.equal(1, #webs[1]:requests())
      assert.equal(1, #webs[2]:requests())
    end)
  end

  it("is sent again with retry.unsafe", function()
    local webs = { poison "a", origin.start { name = "good" } }
    local n = proxied.before(webs, "retry = { unsafe = true }")
    local c = client.connect(n.address)
    assert.equal("good", c:request("POST", "/", nil, "body").body)
    assert.equal(1, #webs[1]:requests())
    assert.equal("body", webs[2]:requests()[1].body)
  end)

  it("is not sent again after an interim answer went out", function()
    local webs = {
      origin.start {
        connection = function(conn)
          conn:read_request()
          conn:send "HTTP/1.1 103 Early Hints\r\n\r\n"
          conn:wait(0.05)
          conn:reset()
        end,
      },
      origin.start { name = "good" },
    }
    local n = proxied.before(webs, RETRY)
    assert.equal(502, n:get("/").status)
    assert.equal(0, #webs[2]:requests())
  end)

  it("is not sent again after its answer began", function()
    local webs = {
      origin.start {
        connection = function(conn)
          conn:read_request()
          conn:send "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"
          conn:wait(0.05)
          conn:reset()
        end,
      },
      origin.start { name = "good" },
    }
    local n = proxied.before(webs, RETRY)
    assert.is_true(n:get("/").truncated)
    assert.equal(0, #webs[2]:requests())
  end)

  it("is not sent at all once the client has left", function()
    local web = origin.start { handler = function(conn) conn:closed(10) end }
    local other = origin.start {}
    local n = proxied.before({ web, other }, RETRY)
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return web:requests()[1] end)
    c:close()
    eventually(function() return web:open_connections() == 0 end)
    assert.equal(0, #other:requests())
    assert.equal(0, n:count_log "is dead")
  end)
end)

describe("one poisonous request", function()
  it("does not take all backends down", function()
    local webs = {}
    for index = 1, 4 do
      webs[index] = origin.start {
        name = "web" .. index,
        connection = function(conn)
          while conn:read_request() do
            if conn.request.target == "/poison" then return conn:reset() end
            conn:send "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
          end
        end,
      }
    end
    local n = proxied.before(webs)
    assert.equal(502, n:get("/poison").status)
    for _ = 1, 8 do assert.equal("ok", n:get("/").body) end
    assert.is_true(n:count_log "is dead" <= 2)
  end)
end)

describe("retry.attempts", function()
  it("bounds how many backends a request tries", function()
    for attempts = 1, 3 do
      local webs = { poison "a", poison "b", poison "c", poison "d" }
      local n = proxied.before(webs, RETRY .. (", retry = { attempts = %d }"):format(attempts))
      assert.equal(502, n:get("/").status)
      local count = 0
      for _, web in ipairs(webs) do count = count + #web:requests() end
      assert.equal(attempts, count)
      n:stop()
    end
  end)
end)
