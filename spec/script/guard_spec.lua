-- guard = true: nobody passes because the policy failed.
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

local LOGS = { "hook %a+ of service" }

local function start(policy, webs, more)
  return neap.start {
    config = neap.config(webs,
      ('guard = true, policy = "policy.lua", health = { type = "none" } %s'):format(more or "")),
    files = { ["policy.lua"] = 'local neap = require "neap"\nreturn {' .. policy .. "}" },
    allow = LOGS,
  }
end

-- How a hook may fail → its code, more keys of the config.
local failures = {
  { "request errs", "request = function() error 'again' end" },
  { "request returns what is no answer", "request = function() return { status = 401 } end" },
  { "request gives an answer that cannot be sent",
    "request = function() return neap.reply { headers = { ['a b'] = 'c' } } end" },
  { "request loops", "request = function() while true do end end" },
  { "request loops and swallows errors",
    "request = function() while true do pcall(function() while true do end end) end end" },
  { "request waits longer than the request may last",
    "request = function() neap.sleep(30) end", ", timeouts = { request = 0.3 }" },
  { "request errs after it waited", "request = function() neap.sleep(0.01) error 'late' end" },
  { "request yields by hand", "request = function() coroutine.yield(9) end" },
  { "backends errs", "backends = function() error 'again' end" },
  { "backends returns what is no pool", "backends = function() return 7 end" },
  { "pick errs", "pick = function() error 'again' end" },
  { "pick returns what is no backend", "pick = function() return 'web1' end" },
  { "request errs, and on_error says default",
    "request = function() error 'again' end", ', on_error = "default"' },
}

describe("a guard", function()
  local web

  before_each(function() web = origin.several(1) end)

  for _, failure in ipairs(failures) do
    it("lets nobody in when " .. failure[1] .. ", tripped or not", function()
      local n = start(failure[2], web, failure[3])
      for _ = 1, 8 do assert.equal(503, n:get("/").status) end
      assert.same({}, web[1]:requests())
    end)
  end

  it("refuses when the pool's own pick errs", function()
    local n = neap.start {
      config = ([[return { listen = "127.0.0.1:0", workers = 1, guard = true, pool = "a",
        pools = { a = { backends = { %q }, health = { type = "none" }, policy = "pick.lua" } } }]])
        :format(web[1].url),
      files = { ["pick.lua"] = "return { pick = function() error 'again' end }" },
      allow = LOGS,
    }
    for _ = 1, 8 do assert.equal(503, n:get("/").status) end
    assert.same({}, web[1]:requests())
  end)

  it("lets no answer out whose response hook errs, and goes on with the connection", function()
    local n = start([[response = function(request, _, response)
      if request.path ~= "/well" then error "again" end
      response:set_header("x-seen", "1")
    end]], web)
    local c = client.connect(n.address)
    for _ = 1, 4 do
      c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      local answer = c:read_response()
      assert.equal(503, answer.status)
      assert.equal("the policy failed", answer.headers["x-neap-error"])
    end
    c:send "GET /well HTTP/1.1\r\nHost: a\r\n\r\n"
    assert.equal("1", c:read_response().headers["x-seen"])
    for _ = 1, 3 do n:get "/" end
    n:wait_log "keeps failing: it is left out for now and its requests are refused"
    assert.equal(503, n:get("/well").status)
  end)

  it("refuses when failed errs", function()
    local n = start("failed = function() error 'again' end", web)
    web[1]:kill()
    assert.equal(503, n:get("/").status)
    n:wait_log "hook failed of service .*again"
  end)

  it("lets requests through whose log hook errs", function()
    local n = start("log = function() error 'again' end", web)
    for _ = 1, 8 do assert.equal(200, n:get("/").status) end
  end)

  it("of mode tcp closes the connection", function()
    local n = neap.start {
      config = ([[return { listen = "127.0.0.1:0", workers = 1, mode = "tcp", guard = true,
        policy = { pick = function() error "again" end },
        backends = { "tcp://%s" }, health = { type = "none" } }]])
        :format(web[1].url:match "//(.*)"),
      allow = LOGS,
    }
    for _ = 1, 8 do
      local is_standing, c = pcall(client.connect, n.address) -- it may be reset already
      assert.equal("", is_standing and c:read_all() or "")
    end
    assert.same({}, web[1]:requests())
  end)

  it("whose hook is stuck in C is a guard afterwards, too", function()
    local n = neap.start {
      config = neap.config(web, 'guard = true, policy = "policy.lua", health = { type = "none" }'),
      files = { ["policy.lua"] = [[return { request = function(request)
        if request.path == "/stuck" then (("a"):rep(1000)):find(("a-"):rep(20) .. "b") end
      end }]] },
      allow = { "stuck for" },
    }
    assert.equal(200, n:get("/").status)
    pcall(n.get, n, "/stuck")
    n:wait_log "stuck for"
    local answer
    eventually(function()
      local ok, got = pcall(n.get, n, "/")
      answer = ok and got
      return answer
    end)
    assert.equal(503, answer.status)
  end)
end)
