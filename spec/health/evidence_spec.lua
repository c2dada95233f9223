-- What makes a backend suspect, who tells of it, and what says nothing about a backend.

local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

local function suspect_of(n) return admin.status(n).pools[1].backends[1].suspect end

local function failures(n)
  local suspect = suspect_of(n)
  return type(suspect) == "table" and suspect.failures or 0
end

-- Does as the target says; answers on kept connections but to POST, where it hangs up.
local function hanging_up() return origin.start { handler = function(conn, request)
  if request.target == "/bad" or request.target == "/late" and conn.served > 1 then
    return conn:close()
  end
  if request.target == "/large" then
    return { headers = { ["X-Long"] = ("a"):rep(100000) }, body = "" }
  end
  return "well"
end } end

describe("a failure after connecting", function()
  it("makes its backend suspect until a good answer, as all who tell of it say", function()
    local n = admin.start({ hanging_up() }, "workers = 1, explain = { sample = 1 },")
    for _ = 1, 2 do assert.equal(502, n:get("/bad").status) end
    assert.same({ failures = 2, reason = "closed the connection before its answer" },
      suspect_of(n))
    local found
    for key, value in pairs(admin.metrics(n)) do
      if key:find "^neap_backend_suspect_failures{" then found = value end
    end
    assert.equal(2, found)
    local _, screen = neap.run { "status", "--admin", n.admin }
    assert.truthy(screen:find("suspect, 2 failed", 1, true), screen)
    assert.equal(200, n:get("/well").status)
    local story = admin.get(n, "/explain?last=1").value.stories[1]
    local _, why = next(story.steps[1].suspects)
    assert.equal("2 failed in a row: closed the connection before its answer", why)
    _, screen = neap.run { "explain", "--last", "1", "--admin", n.admin }
    assert.matches("suspect [^\n]*: 2 failed in a row: closed the connection", screen)
    eventually(function() return failures(n) == 0 end)
  end)

  it("is no evidence where a limit of neap's own ended it", function()
    local n = admin.start({ hanging_up() }, "workers = 1,")
    for _ = 1, 4 do assert.equal(502, n:get("/large").status) end
    assert.equal(0, failures(n))
    assert.equal(0, n:count_log "→ down")
  end)

  it("is no evidence on a connection that was kept", function()
    local n = admin.start({ hanging_up() }, [[workers = 1, policy = {
      failed = function(_, backend, failure)
        require("neap").log.info("kept: %s, suspect: %s", tostring(failure.kept),
          tostring(backend:suspect "x"))
        return "fail"
      end },]])
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/").status)
    assert.equal(502, c:request("POST", "/late", nil, "x").status)
    n:wait_log "kept: true, suspect: false"
    assert.equal(0, failures(n))
    assert.equal(502, c:request("POST", "/bad", nil, "x").status)
    n:wait_log "kept: false, suspect: true"
    eventually(function() return failures(n) == 1 end)
  end)

  it("is no evidence when it is a timeout", function()
    local slow = origin.start { handler = function(conn) conn:closed(5) end }
    local n = admin.start({ slow }, "workers = 1, timeouts = { response = 0.1 },")
    for _ = 1, 4 do assert.equal(504, n:get("/").status) end
    assert.equal(0, failures(n))
  end)
end)
