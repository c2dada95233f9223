local client = require "support.client"
local eventually = require "support.eventually"
local net = require "support.net"
local origin = require "support.origin"
local proxied = require "support.proxied"

local function refused() return "http://" .. net.refused() end

describe("a dead backend", function()
  it("is skipped without the client noticing, and named dead once", function()
    local web = origin.start { name = "web" }
    local dead = refused()
    local n = proxied.before { dead, web }
    for _ = 1, 10 do assert.equal("web", n:get("/").body) end
    assert.equal(1, n:count_log(dead .. " is dead%.$"))
    assert.equal(10, #web:requests())
  end)

  it("is skipped also when several in a row are", function()
    local web = origin.start { name = "web" }
    local n = proxied.before { refused(), refused(), refused(), web }
    for _ = 1, 5 do assert.equal("web", n:get("/").body) end
    assert.equal(3, n:count_log "is dead%.$")
  end)

  it("does not lose a POST: nothing of it was sent", function()
    local web = origin.start {}
    local n = proxied.before { refused(), refused(), web }
    local c = client.connect(n.address)
    assert.equal(200, c:request("POST", "/", nil, "body").status)
    assert.equal("body", web:requests()[1].body)
  end)

  it("that does not answer connects is left for the next after timeouts.connect", function()
    local web = origin.start { name = "web" }
    local n = proxied.before({ "http://" .. net.silent(), web }, "timeouts = { connect = 0.2 }")
    for _ = 1, 4 do assert.equal("web", n:get("/").body) end
    assert.equal(1, n:count_log "is dead%.$")
  end)

  it("that dies in between is noticed by nobody", function()
    local webs = origin.several(2)
    local n = proxied.before(webs)
    local c = client.connect(n.address)
    for _ = 1, 4 do assert.equal(200, c:request("GET", "/").status) end
    webs[1]:kill()
    for _ = 1, 10 do assert.equal("web2", c:request("GET", "/").body) end
  end)

  it("that resets before its answers is left for the next, and soon left out", function()
    local webs = {
      origin.start {
        connection = function(conn)
          conn:read_request()
          conn:reset()
        end,
      },
      origin.start { name = "web" },
    }
    local n = proxied.before(webs)
    for _ = 1, 6 do assert.equal("web", n:get("/").body) end
    n:wait_log "→ down %(%d+ failures in a row: "
    local asked = #webs[1]:requests()
    for _ = 1, 4 do assert.equal("web", n:get("/").body) end
    assert.equal(asked, #webs[1]:requests())
  end)
end)

describe("when nothing is left", function()
  it("the client gets 502 after each backend was tried once", function()
    local webs = origin.several(3, {
      connection = function(conn)
        conn:read_request()
        conn:reset()
      end,
    })
    local n = proxied.before(webs, "policy = { failed = function() return 'retry' end }")
    local c = client.connect(n.address)
    for round = 1, 2 do
      local response = c:request("GET", "/")
      assert.equal(502, response.status)
      assert.is_true(#response.headers["x-neap-error"] > 0)
      assert.is_nil(response.headers.connection)
      for _, web in ipairs(webs) do assert.equal(round, #web:requests()) end
    end
  end)

  it("because all refuse, it is 502 at once, then 503: no candidate", function()
    local n = proxied.before { refused(), refused(), refused() }
    local c = client.connect(n.address, { timeout = 2 })
    assert.equal(502, c:request("GET", "/").status)
    assert.equal(503, c:request("GET", "/").status)
    assert.equal(503, c:request("POST", "/", nil, "x").status)
    assert.equal(3, n:count_log "is dead%.$")
  end)

  it("because none could be reached in time, it is 504", function()
    local n = proxied.before({ "http://" .. net.silent(), "http://" .. net.silent() },
      "timeouts = { connect = 0.2 }")
    assert.equal(504, n:get("/").status)
  end)

  it("and the last one failed in another way, that one counts", function()
    local n = proxied.before({ "http://" .. net.silent(), refused() },
      "timeouts = { connect = 0.2 }")
    assert.equal(502, n:get("/").status)
  end)

  it("it is 503 when there was no candidate from the beginning", function()
    local n = proxied.before({ refused() },
      "policy = { pick = function() return nil, 'out of order' end }")
    local response = n:get "/"
    assert.equal(503, response.status)
    assert.equal("out of order", response.headers["x-neap-error"])
  end)
end)

describe("a slow backend", function()
  it("is a 504 and not dead", function()
    local slow = origin.start { handler = function(conn) conn:closed(10) end }
    local n = proxied.before({ slow, slow.url .. "/other" }, "timeouts = { response = 0.2 }")
    for _ = 1, 3 do assert.equal(504, n:get("/").status) end
    assert.equal(3, #slow:requests())
    assert.equal(0, n:count_log "is dead")
    eventually(function() return slow:open_connections() == 0 end)
  end)
end)
