local admin = require "support.admin"
local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"

local function answering(name, status)
  return origin.start {
    name = name,
    handler = function(conn)
      conn:read_body()
      return { status = status, reason = "Whatever", body = name, headers = { ["X-From"] = name } }
    end,
  }
end

describe("retry.status", function()
  it("sends a request again that was answered with a listed status", function()
    local webs = { answering("bad", 503), answering("good", 200) }
    local n = proxied.before(webs, "retry = { status = { 503 } }")
    local c = client.connect(n.address)
    local response = c:request("GET", "/")
    assert.equal("good", response.body)
    assert.equal("good", response.headers["x-from"])
    assert.equal(1, #webs[1]:requests())
    assert.equal(1, #webs[2]:requests())
  end)

  it("keeps an answer while the policy waits, whatever the backend does meanwhile", function()
    local web = origin.start {
      connection = function(conn)
        conn:read_until "\r\n\r\n"
        conn:send "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"
        conn:wait(0.1)
        conn:reset()
      end,
    }
    local n = proxied.before({ web }, [[retry = { status = { 503 } }, policy = {
      failed = function() require("neap").sleep(0.4) return "fail" end }]])
    local workers = n:workers()
    local c = client.connect(n.address)
    c:send "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n"
    for _ = 1, 20 do c:try_send(("x"):rep(100000)) end
    local response = c:read_response()
    assert.same({ 503, "no" }, { response.status, response.body })
    assert.same(workers, n:workers())
  end)

  it("is told by its number, to the policy and in the log", function()
    local n = proxied.before({ answering("bad", 503), answering("good", 200) },
      "retry = { status = { 503 } }")
    for _ = 1, 6 do assert.equal("good", n:get("/").body) end
    n:wait_log "→ down %(%d+ failures in a row: status 503%)"
  end)

  it("counts as a failure of the backend, also when the answer is passed on", function()
    local n = admin.start({ answering("bad", 503) },
      'health = { type = "none" }, retry = { status = { 503 } }, policy = { failed = function() '
      .. 'return "fail" end }')
    for _ = 1, 3 do assert.equal(503, client.get(n.address, "/").status) end
    local failures
    for key, value in pairs(admin.metrics(n)) do
      if key:find "^neap_backend_failures_total{" then failures = value end
    end
    assert.equal(3, failures)
  end)

  it("leaves no times of the failed attempt to the next one", function()
    local silent = origin.start { connection = function(conn) conn:wait(5) end }
    local n = proxied.before({ answering("bad", 503), silent }, [[
      retry = { status = { 503 } }, timeouts = { response = 0.2 }, policy = {
        log = function(_, o) print("END", o.status, o.attempts, o.first_byte) end }]])
    assert.equal(504, n:get("/").status)
    n:wait_log "END 504 2 nil"
  end)

  it("passes the answer on when no candidate is left", function()
    local webs = { answering("a", 503), answering("b", 503) }
    local n = proxied.before(webs, "retry = { status = { 503 } }")
    local c = client.connect(n.address)
    local response = c:request("GET", "/")
    assert.equal(503, response.status)
    assert.is_nil(response.headers["x-neap-error"])
    assert.equal("b", response.body)
    assert.equal(2, #webs[1]:requests() + #webs[2]:requests())
  end)

  it("passes the answer on when all others weigh nothing", function()
    local bad, weightless = answering("bad", 503), answering("good", 200)
    local n = neap.start { config = neap.config({}, ([[
      backends = { "%s", { url = "%s", weight = 0 } }, retry = { status = { 503 } }]])
      :format(bad.url, weightless.url)) }
    local response = n:get("/")
    assert.same({ 503, "bad" }, { response.status, response.body })
  end)

  it("tries what is dead, too, in a panic", function()
    local bad, good = answering("bad", 503), answering("good", 200)
    local n = neap.start { allow = { "panics: [01] of 2" }, config = neap.config({ bad, good }, [[
      health = { type = "none" }, panic = 0.9, retry = { status = { 503 } }, policy = {
        request = function() require("neap").pool("127.0.0.1:0").all[2]:down "for now" end,
        pick = function(_, pool) return pool[1] end }]]) }
    n:get("/")
    n:wait_log "panics"
    assert.equal("good", n:get("/").body)
  end)

  it("passes the answer on when sending again is not safe", function()
    local webs = { answering("bad", 503), answering("good", 200) }
    local n = proxied.before(webs, "retry = { status = { 503 } }")
    local c = client.connect(n.address)
    assert.equal("bad", c:request("POST", "/", nil, "x").body)
    assert.equal(0, #webs[2]:requests())
  end)

  it("passes the answer on when the attempts are used up", function()
    local webs = { answering("bad", 500), answering("good", 200) }
    local n = proxied.before(webs, 'retry = { attempts = 1, status = { "500-599" } }')
    assert.equal("bad", n:get("/").body)
    assert.equal(0, #webs[2]:requests())
  end)

  it("leaves other statuses alone", function()
    local webs = { answering("bad", 500), answering("good", 200) }
    local n = proxied.before(webs, 'retry = { status = { 503, "520-529" } }')
    assert.equal("bad", n:get("/").body)
  end)

  it("is asked of failed, which may decline", function()
    local webs = { answering("bad", 503), answering("good", 200) }
    local n = proxied.before(webs, [[retry = { status = { 503 } }, policy = {
      failed = function(request, backend, failure)
        assert(failure.kind == "status" and failure.status == 503 and failure.safe)
        return "fail"
      end }]])
    local c = client.connect(n.address)
    for _ = 1, 2 do
      local response = c:request("GET", "/")
      assert.is_true(response.body == "bad" or response.body == "good")
    end
    assert.equal(1, #webs[1]:requests())
  end)

  it("holds back large answers, too", function()
    local big = origin.start {
      handler = function() return { status = 503, body = proxied.pattern(500000) } end,
    }
    local n = proxied.before({ big, answering("good", 200) }, "retry = { status = { 503 } }")
    assert.equal("good", n:get("/").body)
    n:stop()
    n = proxied.before({ big }, "retry = { status = { 503 } }")
    for _ = 1, 2 do
      local response = n:get "/"
      assert.equal(503, response.status)
      if not response.headers["x-neap-error"] then
        assert.is_true(response.body == proxied.pattern(500000))
      end
    end
  end)
end)
