local eventually = require "support.eventually"
local origin = require "support.origin"
local redis_double = require "support.redis_double"
local redis_hook = require "support.redis_hook"

local function told(says, slowly)
  local server = redis_double.start(says, slowly)
  local n = redis_hook.start(("address = %q, timeout = 0.5"):format(server.address),
    "return tell(r, 'GET', 'a')")
  local body = n:get("/").body
  if body:find "^why" then
    eventually(function() return server:open_connections() == 0 end)
  end
  return body
end

local BROKEN = "why: the server broke the protocol of Redis: "

describe("neap.redis and a server that", function()
  it("says the same byte by byte", function()
    assert.equal("{a {b=1 c=null} 1.5 true}",
      told("*4\r\n$1\r\na\r\n%2\r\n+b\r\n:1\r\n+c\r\n_\r\n,1.5\r\n#t\r\n", true))
  end)

  it("says things beside the answer", function()
    assert.equal("1", told ">2\r\n+message\r\n+x\r\n|1\r\n+ttl\r\n:5\r\n:1\r\n")
  end)

  it("does not speak its protocol", function()
    assert.equal(BROKEN .. "a reply of no known kind", told "HTTP/1.1 400 Bad Request\r\n\r\n")
    assert.equal(BROKEN .. "a reply of no known kind", told "\r\n")
    assert.equal(BROKEN .. "a bad length", told "$-5\r\n")
    assert.equal(BROKEN .. "a bad length", told "*99999999999999999999\r\n")
    assert.equal(BROKEN .. "a string of another length", told "$3\r\nabcde\r\n")
    assert.equal(BROKEN .. "a bad integer", told ":1.5\r\n")
    assert.equal(BROKEN .. "a key that is no text", told "%1\r\n*0\r\n:1\r\n")
    assert.equal(BROKEN .. "lists nest too deep", told(("*1\r\n"):rep(10000)))
  end)

  it("promises more than there may be", function()
    assert.equal("why: the answer is too large", told "$2000000\r\nabc")
    assert.equal("why: the answer is too large", told "*1000000000\r\n")
    assert.equal("why: the answer is too large", told("*500000\r\n" .. (":1\r\n"):rep(500000)))
  end)

  it("ends, or says no more", function()
    assert.equal("why: timeout", told "$3\r\nab")
    assert.equal("why: closed", told "$3\r\nab@")
    assert.equal("why: closed", told "*2\r\n:1\r\n@")
  end)

  it("says more than was asked for", function()
    local server = redis_double.start ":1\r\n:2\r\n"
    local n = redis_hook.start(("address = %q"):format(server.address),
      "return tell(r, 'GET', 'a')")
    for _ = 1, 3 do assert.equal("1", n:get("/").body) end
    assert.equal(3, server:connections())
  end)

  it("knows RESP2 only, or redirects", function()
    local old = origin.start { allow_errors = true, connection = function(conn)
      conn:read_until "3\r\n"
      conn:send "-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n"
      while conn:read_until "a\r\n" do conn:send "$-1\r\n" end
    end }
    local ask = redis_hook.asker(("address = %q"):format(old.address))
    assert.equal("nil; nil", ask "GET a; GET a")
    local moved = redis_double.start "-MOVED 3999 127.0.0.1:6381\r\n"
    ask = redis_hook.asker(("address = %q"):format(moved.address))
    assert.equal("why: MOVED 3999 127.0.0.1:6381", ask "GET a") -- its connection is kept
  end)

  it("closed a kept connection: what only reads is asked again", function()
    local server = origin.start { allow_errors = true, connection = function(conn)
      conn:read_until "3\r\n"
      conn:send "%0\r\n"
      conn:read_until "a\r\n"
      conn:send(":" .. conn.id .. "\r\n")
      conn:read_until "a\r\n"
      conn:reset()
    end }
    local ask = redis_hook.asker(("address = %q"):format(server.address))
    assert.equal("1; 2", ask "GET a; GET a")
    assert.matches("^why: .*reset", ask "INCR a")
  end)

  it("is asked for what has no answer", function()
    local n = redis_hook.start("", [[
      local told = {}
      for i, words in ipairs { { "SUBSCRIBE", "a" }, { "CLIENT", "REPLY", "OFF" }, { "GET", {} },
        { "GET", 0 / 0 }, {} } do
        told[i] = select(2, pcall(r.call, r, unpack(words)))
      end
      told[6] = select(2, pcall(neap.redis, { adress = "x" }))
      told[7] = select(2, pcall(neap.redis, { address = "x" }))
      told[8] = select(2, pcall(r.call, "GET", "a"))
      return table.concat(told, "\n")]])
    local _, count = n:get("/").body:gsub("redis[:.]", "")
    assert.is_true(count >= 8, n:get("/").body)
  end)
end)
