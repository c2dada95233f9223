local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local proxied = require "support.proxied"

local function poison(name)
  return origin.start {
    name = name,
    connection = function(conn)
      conn:read_request()
      conn:reset()
    end,
  }
end

describe("the article's error handler", function()
  it("logs which backend is dead and sends the request through the balancer again", function()
    local webs = origin.several(2)
    local n = proxied.before(webs)
    webs[1]:kill()
    assert.equal("web2", n:get("/").body)
    n:wait_log("Z warn connection refused: " .. webs[1].url:gsub("%p", "%%%0") .. " is dead%.\n")
    assert.equal(1, n:count_log "is dead")
  end)

  it("tries each candidate once when all are dead, and answers at once", function()
    local n = proxied.before { "http://" .. net.refused(), "http://" .. net.refused() }
    local c = client.connect(n.address, { timeout = 1 })
    assert.equal(502, c:request("GET", "/").status)
    assert.equal(2, n:count_log "is dead%.$")
    assert.equal(503, c:request("GET", "/").status)
  end)

  it("does not send twice what may have been processed", function()
    local webs = { poison "a", poison "b" }
    local n = proxied.before(webs)
    local c = client.connect(n.address)
    assert.equal(502, c:request("POST", "/", nil, "x").status)
    assert.equal(1, #webs[1]:requests() + #webs[2]:requests())
  end)

  it("does not mark a slow backend dead", function()
    local webs = origin.several(2, { handler = function(conn) conn:closed(10) end })
    local n = proxied.before(webs, "timeouts = { response = 0.2 }")
    assert.equal(504, n:get("/").status)
    assert.equal(0, n:count_log "is dead")
  end)
end)

describe("a backend that a request marked dead", function()
  local function escaped(text) return (text:gsub("%p", "%%%0")) end

  it("is checked again soon and takes traffic again", function()
    local webs = origin.several(2)
    local n = neap.start { config = neap.config(webs) }
    webs[1]:kill()
    for _ = 1, 4 do assert.equal("web2", n:get("/").body) end
    assert.matches(escaped(webs[1].url) .. " is dead%.", n:log())
    webs[1]:start_again()
    eventually(function() return n:get("/").body == "web1" end, 4)
  end)

  it("stays out while it is dead, without an error at any client", function()
    local webs = origin.several(2)
    local keys = 'health = { recheck = 0.1 }, log = { checks = "all" }'
    local n = neap.start { config = neap.config(webs, keys) }
    webs[1]:kill()
    eventually.always(function() return n:get("/").body == "web2" end, 0.5)
    n:wait_log("Unreachable to " .. escaped(webs[1].address) .. ", error:connection refused")
  end)
end)
