-- A hedge, and what its two attempts hold of neap.concurrency.
local client = require "support.client"
local eventually = require "support.eventually"
local hedged = require "support.hedged"
local origin = require "support.origin"

local POLICY = [[(function()
  local rooms = neap.concurrency { limit = 9, store = "rooms", name = "rooms" }
  return {
    request = function(request)
      local name = request.path:match "^/inside/(.*)$"
      if name then return neap.reply { body = rooms:inside(name) .. "" } end
      rooms:enter "whole"
    end,
    pick = function(_, pool)
      local backend = pool:first()
      rooms:enter("at_" .. backend.tags.as)
      rooms:enter "whole"
      return backend
    end,
  }
end)()]]

local function start(backends)
  local list = {}
  for i, backend in ipairs(backends) do
    local as = i == 1 and "first" or "second"
    list[i] = ("{ url = %q, tags = { as = %q } }"):format(backend.url, as)
  end
  return hedged.start({}, { policy = POLICY, rest = "shared = { rooms = { bytes = 2^20 } }",
    p = "backends = { " .. table.concat(list, ", ") .. " }" })
end

local function inside(n, name) return n:get("/inside/" .. name).body end

describe("what a hedge holds", function()
  it("is held as long as the answer of the one that won is under way", function()
    local first = hedged.slow("first", 30)
    local second = origin.start { allow_errors = true, handler = function(conn)
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
      conn:closed(30)
    end }
    local n = start { first, second }
    local c = client.connect(n.port)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    c:read_until "hello"
    assert.equal("1", inside(n, "at_second"))
    assert.equal("1", inside(n, "whole"))
    c:close()
    for _, name in ipairs { "at_first", "at_second", "whole" } do
      eventually(function() return inside(n, name) == "0" end)
    end
  end)
end)
