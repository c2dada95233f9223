local cjson = require "cjson"
local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local scope = require "support.scope"

local ALL = 'health = { type = "none" }, explain = { sample = 1, header = true }, '

-- The answer may be here before its story is on the board.
local function stories(n, query, count)
  return eventually(function()
    local r = client.get(n.admin, "/explain" .. (query or ""))
    local all = r.status == 200 and cjson.decode(r.body).stories
    return all and #all >= (count or 1) and all
  end)
end

local function ask(n, path)
  local r = client.get(n.address, path or "/")
  return r, r.headers["x-neap-id"]
end

describe("explain", function()
  it("tells of a request who might have served it, and who did", function()
    local web = origin.start {}
    local n = admin.start({ web }, ALL .. ([[ name = "shop", backends = {
      { url = "http://127.0.0.1:%d", name = "one" },
      { url = "http://127.0.0.1:2", name = "spare", tier = 1 },
      { url = "http://127.0.0.1:3", name = "gone" },
    }, policy = {
      request = function() require("neap").pool("shop"):find("gone"):drain() end,
    }]]):format(web.port))
    local _, id = ask(n, "/basket")
    local story = stories(n, "?id=" .. id)[1]
    assert.same({ id, "shop", "GET", "/basket", 200, 1, "one" }, { story.id, story.service,
      story.method, story.path, story.status, story.attempts, story.backend })
    assert.equal(1, #story.steps)
    local step = story.steps[1]
    assert.same({ "decide", "a backend", "one", 3, 1 }, { step.hook, step.returned, step.backend,
      step.members, step.eligible_count })
    assert.same({ "one" }, step.eligible)
    assert.equal("tier 1, and tier 0 has some", step.not_eligible.spare)
    assert.matches("^draining", step.not_eligible.gone)
    assert.is_true(step.took > 0 and step.took < 1)
  end)

  it("tells each attempt of one that failed, whatever is sampled", function()
    local web = origin.start {}
    local n = admin.start({ 1, web }, 'health = { type = "none" }, explain = { sample = 0 }')
    assert.equal(200, (ask(n)).status)
    assert.equal(200, (ask(n)).status)
    local all = stories(n)
    assert.equal(1, #all) -- the second went well at once
    local first, failed, again = unpack(all[1].steps)
    assert.same({ 1, "127.0.0.1:1", "connect", "refused" }, { first.attempt, first.backend,
      first.stage, first.kind })
    assert.same({ "failed", "retry" }, { failed.hook, failed.returned })
    assert.same({ "pick", "127.0.0.1:" .. web.port }, { again.hook, again.backend })
    assert.matches("^down: ", again.not_eligible["127.0.0.1:1"])
    assert.same({ 200, 2 }, { all[1].status, all[1].attempts })
    assert.same(all, stories(n, "?failed=1"))
  end)

  it("tells why nobody served", function()
    local n = admin.start({ 1 }, 'health = { type = "none" }, explain = { sample = 0 }')
    ask(n)
    ask(n)
    local newest = stories(n, nil, 2)[1]
    assert.equal(503, newest.status)
    assert.equal(0, newest.steps[1].eligible_count)
    assert.matches("^down: ", newest.steps[1].not_eligible["127.0.0.1:1"])
  end)

  it("tells of hooks that erred, were stopped or are left out, and what came of it", function()
    local web = origin.start {}
    local n = neap.start { config = ([[return { listen = "127.0.0.1:0",
      admin = { listen = "127.0.0.1:0" }, %s backends = { "%s" }, policy = "policy.lua" }]])
      :format(ALL, web.url), files = { ["policy.lua"] = [[
        return {
          request = function(r) if r.path == "/request" then error "no request" end end,
          pick = function(r, pool)
            if r.path == "/loop" then while true do end end
            if r.path == "/pick" then error(("long"):rep(1000)) end
            return pool.all[1]
          end,
          response = function(r) if r.path == "/response" then error "no response" end end,
        }]] }, allow = { "hook " } }
    local function steps(path)
      local _, id = ask(n, path)
      return stories(n, "?id=" .. id)[1].steps, id
    end
    assert.is_nil(steps("/")[1].trouble)
    local step = steps("/request")[1]
    assert.equal(1, #step.trouble)
    assert.matches("^request erred: .*policy.lua:2: no request.*; it was passed over$",
      step.trouble[1])
    assert.matches("^pick erred: .*; the default decided$", steps("/loop")[1].trouble[1])
    local long = steps("/pick")[1].trouble[1]
    assert.matches("^pick erred: .*policy.lua:5: longlong.*; the default decided$", long)
    assert.is_true(#long < 320)
    local all, id = steps "/response"
    assert.same({ 2, "response" }, { #all, all[2].hook })
    assert.matches("^response erred: .*policy.lua:8: no response.*; the answer stayed as it came$",
      all[2].trouble[1])
    local _, out = neap.run { "explain", id, "--admin", n.admin }
    assert.matches("2%. response\n      response erred: [^\n]*policy.lua:8: no response", out)
    for _ = 1, 200 do
      local trouble = steps("/pick")[1].trouble[1]
      if trouble == "pick is left out (it kept failing); the default decided" then return end
    end
    error "it was never left out"
  end)

  it("tells of a request that was refused because its policy erred", function()
    local n = neap.start { config = [[return { listen = "127.0.0.1:0", on_error = "refuse",
      admin = { listen = "127.0.0.1:0" }, health = { type = "none" }, explain = { sample = 1 },
      backends = { "http://127.0.0.1:1" }, policy = { pick = function() error "no" end } }]],
      allow = { "hook " } }
    assert.equal(503, (ask(n)).status)
    local step = stories(n)[1].steps[1]
    assert.equal("an error: refused", step.returned)
    assert.matches("^pick erred: .*: no.*; the request was refused$", step.trouble[1])
  end)

  it("takes a share of the requests, and keeps the newest #slow", function()
    local web = origin.start {}
    local n = admin.start({ web }, 'health = { type = "none" }, explain = { sample = 0.5 }')
    local c = client.connect(n.address)
    for i = 1, 1100 do c:request("GET", "/" .. i) end
    local all = stories(n, "?last=1024", 512)
    assert.equal(512, #all)
    assert.equal("/1100", all[1].path)
    assert.equal("/78", all[#all].path)
  end)

  it("finds those of a pool, whatever it is called, among others' and failures", function()
    local web = origin.start {}
    local n = neap.start { config = ([[return { admin = { listen = "127.0.0.1:0" },
      explain = { sample = 1 }, pools = {
        ['caf\u{e9} "x"'] = { backends = { "%s" } },
        b = { health = { type = "none" }, backends = { "http://127.0.0.1:1", "%s" } },
      }, services = { { listen = "127.0.0.1:0", pool = "b", policy = {
        backends = function(request)
          return require("neap").pool(request.path == "/b" and "b" or 'caf\u{e9} "x"')
        end } } } }]]):gsub("\\u{e9}", "\195\169"):format(web.url, web.url) }
    for _, path in ipairs { "/a", "/b", "/a", "/b", "/a" } do ask(n, path) end
    assert.equal(5, #stories(n, nil, 5))
    local odd = stories(n, "?pool=caf%C3%A9%20%22x%22", 3)
    assert.same({ "/a", "/a", "/a" }, { odd[1].path, odd[2].path, odd[3].path })
    assert.equal(2, #stories(n, "?pool=b", 2))
    assert.equal(1, #stories(n, "?pool=b&last=1"))
    assert.equal(1, #stories(n, "?failed=1")) -- b's first backend, once
  end)

  it("stays within its bounds with many backends and long paths", function()
    local list = {}
    for i = 1, 400 do list[i] = ('"http://127.0.0.1:%d"'):format(10000 + i) end
    local web = origin.start {}
    local n = admin.start({}, ALL .. ([[backends = { %s, { url = "%s", name = "web" } },
      policy = { pick = function(_, pool) return pool:find "web" end }]]):format(
      table.concat(list, ", "), web.url))
    local path = "/" .. ("%41"):rep(1000)
    local _, id = ask(n, path)
    local story = stories(n, "?id=" .. id)[1]
    assert.equal(256, #story.path)
    assert.same({ 401, 256, 16 }, { story.steps[1].members, story.steps[1].looked_at,
      #story.steps[1].eligible })
  end)

  it("answers what is asked wrongly", function()
    local n = admin.start({ 1 }, "explain = {}")
    for query, words in pairs { ["?last=0"] = "not a number from 1", ["?x=1"] = "unknown parameter",
      ["?id=nobody"] = false } do
      local r = client.get(n.admin, "/explain" .. query)
      assert.equal(words and 400 or 404, r.status)
      if words then assert.truthy(r.body:find(words, 1, true)) end
    end
    local off = admin.start({ 1 }, "")
    assert.equal(404, client.get(off.admin, "/explain").status)
  end)

  it("says why there is none", function()
    local n = admin.start({ origin.start {} }, 'health = { type = "none" }, explain = {},')
    local _, out = neap.run { "explain", "--admin", n.admin }
    assert.equal("No stories yet: requests with a failure are always kept, of others one in 100 "
      .. "(explain.sample).\n", out)
  end)

  it("is a command too", function()
    local web = origin.start { name = "web" }
    local n = admin.start({ 1, web }, ALL)
    local _, id = ask(n, "/asked")
    local code, out = neap.run { "explain", id, "--admin", n.admin }
    assert.equal(0, code)
    for _, words in ipairs { id, "GET", "/asked", "attempt 1 on 127.0.0.1:1 failed: connection "
      .. "refused (connect, refused)", "failed → retry", "= status 200", "2 attempts" } do
      assert.truthy(out:find(words, 1, true), words)
    end
    code, out = neap.run { "explain", "--last", "1", "--json", "--admin", n.admin }
    assert.equal(0, code)
    assert.equal(id, cjson.decode(out).stories[1].id)
    local err
    code, _, err = neap.run { "explain", "nobody", "--admin", n.admin }
    assert.equal(1, code)
    assert.matches('^neap: no story of request "nobody" %([^\n]*%)\n$', err)
    code, _, err = neap.run { "explain", "--pool", "nobody", "--admin", n.admin }
    assert.equal(1, code)
    assert.truthy(err:find("no pool 'nobody' is configured", 1, true))
    code, _, err = neap.run { "--last", "3", "-c", "x.lua" }
    assert.equal(1, code)
    assert.truthy(err:find("--last goes with explain", 1, true))
  end)

  it("tells of connections of a tcp service", function()
    local dead = net.refused()
    local echo = origin.start { connection = function(conn) conn:send(conn:read(4)) end }
    local dir = scope.directory()
    local n = neap.start { config = ([[return { mode = "tcp", listen = "127.0.0.1:0",
      admin = { listen = "unix:%s/admin" }, explain = { sample = 0 }, health = { type = "none" },
      backends = { "tcp://%s", "tcp://127.0.0.1:%d" } }]]):format(dir, dead, echo.port) }
    local c = client.connect(n.address)
    c:send "ping"
    assert.equal("ping", c:receive(4))
    c:close()
    local story = stories({ admin = "unix:" .. dir .. "/admin" })[1]
    assert.same({ "connect", 2 }, { story.steps[1].stage, story.attempts })
  end)
end)
