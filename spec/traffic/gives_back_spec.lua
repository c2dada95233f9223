-- Memory that a crowd of clients needed goes back to the system when they have left.
local client = require "support.client"
local eventually = require "support.eventually"
local h2_client = require "support.h2_client"
local proxied = require "support.proxied"

local MIB = 1024 * 1024

local function start()
  local n = proxied.start(function(conn, request)
    if request.target ~= "/large" then return request.target end
    conn:send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" .. ("b"):rep(1000000))
  end, "workers = 1,")
  h2_client.connect(n.port):get "/warm"
  assert.equal(200, n:get("/warm").status)
  return n, proxied.own(n)
end

-- They come, hold so much at least, and leave.
local function gives_back(clients, open, at_least)
  local n, before = start()
  local all = {}
  for i = 1, clients do all[i] = open(n) end
  eventually(function() return proxied.own(n) - before > at_least end)
  for _, c in ipairs(all) do c:close() end
  if eventually.slowness > 1 then return n end
  eventually(function() return proxied.own(n) - before < at_least / 3 end, 30)
  return n
end

describe("A worker gives memory back", function()
  it("when clients of HTTP/1 have left", function()
    local n = gives_back(500, function(n)
      local c = client.connect(n.address)
      c:send("GET / HTTP/1.1\r\nHost: a\r\nX: " .. ("x"):rep(15000))
      return c
    end, 5 * MIB)
    assert.equal(200, n:get("/after").status)
  end)

  it("when clients of HTTP/2 have left", function()
    local n = gives_back(100, function(n)
      local c = h2_client.connect(n.port, { keeps_windows = true, settings = {
        { "INITIAL_WINDOW_SIZE", 0 },
      } })
      for _ = 1, 10 do c:request { [":path"] = "/large" } end
      return c
    end, 12 * MIB)
    assert.equal("/after", h2_client.connect(n.port):get("/after").body)
  end)
end)
