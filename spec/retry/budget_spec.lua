local client = require "support.client"
local eventually = require "support.eventually"
local net = require "support.net"
local origin = require "support.origin"
local proxied = require "support.proxied"

local RETRY = [[policy = {
  failed = function() return "retry" end,
  log = function(_, o) print(("END %d %d %s"):format(o.status, o.attempts, o.reason)) end,
},]]

local function answering(name, status)
  return origin.start {
    name = name,
    handler = function() return { status = status, body = name } end,
  }
end

-- Answers nothing, ever.
local function broken(name)
  return origin.start {
    name = name,
    connection = function(conn)
      conn:read_until "\r\n\r\n"
      conn:reset()
    end,
  }
end

local function statuses(n, count)
  local seen = {}
  local c = client.connect(n.address)
  for _ = 1, count do
    local response = c:request("GET", "/")
    seen[response.status] = (seen[response.status] or 0) + 1
    seen.reason = response.headers["x-neap-error"] or seen.reason
  end
  return seen
end

describe("retry.budget", function()
  it("allows min_per_second × ttl retries, and then the failure is the answer", function()
    local n = proxied.before({ broken "bad", broken "worse" },
      RETRY .. "retry = { budget = { ratio = 0, min_per_second = 0.01, ttl = 300 } }")
    local response = n:get "/"
    assert.equal("the backend closed the connection", response.headers["x-neap-error"])
    n:wait_log "END 502 2 the backend closed the connection\n"
    for _ = 1, 2 do assert.equal(502, n:get("/").status) end
    response = n:get "/"
    assert.equal(502, response.status)
    assert.equal("the backend closed the connection; the retry budget is spent",
      response.headers["x-neap-error"])
    n:wait_log "END 502 1 the backend closed the connection; the retry budget is spent\n"
  end)

  it("allows a share of the requests", function()
    local n = proxied.before({ broken "bad", answering("good", 200) },
      RETRY .. "retry = { budget = { ratio = 0.1, min_per_second = 0, ttl = 300 } }")
    local seen = statuses(n, 100)
    assert.equal(100, seen[200] + seen[502])
    assert.is_true(seen[502] > 30)
    eventually(function() return n:count_log "END " == 100 end)
    local again = n:count_log "END 200 2 "
    assert.is_true(again >= 8 and again <= 10, again)
  end)

  it("is there again when the window has passed", function()
    local n = proxied.before({ broken "bad", answering("good", 200) },
      RETRY .. "retry = { budget = { ratio = 0, min_per_second = 2.5, ttl = 0.4 } }")
    assert.is_nil(statuses(n, 1)[502])
    eventually(function() return statuses(n, 8)[502] end)
    eventually(function() return not statuses(n, 2)[502] end)
  end)

  it("does not count attempts of which nothing was sent", function()
    local n = proxied.before({ "http://" .. net.refused(), answering("good", 200) },
      RETRY .. "retry = { budget = { ratio = 0, min_per_second = 0, ttl = 300 } }")
    assert.same({ [200] = 20 }, statuses(n, 20))
  end)

  it("passes on the answer of a listed status", function()
    local n = proxied.before({ answering("bad", 503), answering("good", 200) },
      RETRY .. "retry = { status = { 503 }, budget = { ratio = 0, min_per_second = 0.01, "
      .. "ttl = 100 } }")
    local c = client.connect(n.address)
    local bodies = {}
    for i = 1, 6 do bodies[i] = c:request("GET", "/").body end
    assert.equal("good bad good bad good bad", table.concat(bodies, " "))
    n:wait_log "END 503 1 the retry budget is spent\n"
  end)

  it("is over all workers", function()
    local n = proxied.before({ broken "bad", broken "worse" }, RETRY
      .. "workers = 2, retry = { budget = { ratio = 0, min_per_second = 0.02, ttl = 300 } }")
    for _ = 1, 30 do assert.equal(502, n:get("/").status) end
    n:wait_log "the retry budget is spent"
    local two = n:count_log "END 502 2 "
    assert.is_true(two >= 6 and two <= 7, two)
  end)

  it("is not charged when there is nobody else to try", function()
    local n = proxied.before({ broken "bad" },
      RETRY .. "retry = { budget = { ratio = 0, min_per_second = 0, ttl = 300 } }")
    assert.equal("the backend closed the connection", n:get("/").headers["x-neap-error"])
  end)
end)
