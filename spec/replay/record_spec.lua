local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local replay = require "support.replay"
local scope = require "support.scope"
local neap = require "support.neap"
local tcp = require "support.tcp"
local stat = require "posix.sys.stat"

describe("neap record", function()
  it("keeps what hooks saw, what they picked, and what came of it", function()
    local o = origin.several(2)
    local n = replay.start({ o[1], 1, o[2] })
    n:allow "dead"
    local path, said = replay.record(n, { "--count", 3 }, function()
      for i = 1, 3 do n:get("/p" .. i .. "?q=" .. i, { ["X-Own"] = "v" .. i }) end
    end)
    assert.is_truthy(said:find("traffic.jsonl: 3 requests\n", 1, true))
    assert.equals("rw-------", stat.stat(path).st_mode % 512 == 384 and "rw-------")
    local r = replay.lines(path)
    assert.same({ requests = 3, lost = 0, unfinished = 0 }, r.finish)
    local first = r.requests[1]
    assert.equals("/p1", first.request.path)
    assert.equals("q=1", first.request.query)
    local found
    for _, field in ipairs(first.request.headers) do
      if field[1] == "X-Own" then found = field[2] end
    end
    assert.equals("v1", found)
    assert.equals("backend", first.steps[1].verdict)
    assert.equals(200, first.outcome.status)
    local retried = r.requests[2]
    assert.same({ "decide", "failed", "pick" },
      { retried.steps[1].ask, retried.steps[2].ask, retried.steps[3].ask })
    assert.equals("refused", retried.steps[2].kind)
    assert.same({ retried.steps[1].backend }, retried.steps[3].tried)
    assert.equals(2, retried.outcome.attempts)
    local last = r.pools[#r.pools]
    assert.equals(3, #last.members)
    assert.equals("down", last.members[2].state)
  end)

  it("hides values of headers, the same one always in the same way", function()
    local n = replay.start { origin.start() }
    local args = { "--count", 3, "--redact", "x-key", "--keep", "cookie" }
    local path = replay.record(n, args, function()
      n:get("/", { Authorization = "Basic c2VjcmV0", Cookie = "a=open", ["X-Key"] = "hush" })
      n:get("/", { Authorization = "Basic c2VjcmV0", ["X-Key"] = "other" })
      n:get("/", { Authorization = "Basic b3RoZXI=" })
    end)
    local text = scope.read(path)
    for _, secret in ipairs { "c2VjcmV0", "hush", "b3RoZXI" } do
      assert.is_nil(text:find(secret, 1, true))
    end
    assert.is_truthy(text:find("a=open", 1, true))
    local seen = {}
    for i, r in ipairs(replay.lines(path).requests) do
      for _, field in ipairs(r.request.headers) do
        if field[1] == "Authorization" then seen[i] = field[2] end
      end
    end
    assert.is_truthy(seen[1]:find "^redacted%-%x+$")
    assert.equals(seen[1], seen[2])
    assert.are_not.equals(seen[1], seen[3])
  end)

  it("keeps connections of a tcp service, which replay asks about", function()
    local web = {}
    for i = 1, 2 do web[i] = origin.start { connection = tcp.named("b" .. i) } end
    local more = 'mode = "tcp", policy = "first", backends = { "tcp://127.0.0.1:1", '
      .. '{ url = "tcp://%s", name = "b1" }, { url = "tcp://%s", name = "b2" } }'
    local n = replay.start({}, more:format(web[1].address, web[2].address))
    n:allow "dead"
    local path, said = replay.record(n, { "--count", 2 }, function()
      for _ = 1, 2 do
        local c = client.connect(n.address)
        assert.equal("b1\n", c:receive_until "\n")
        c:close()
      end
    end)
    assert.is_truthy(said:find("traffic.jsonl: 2 requests\n", 1, true))
    local first = replay.lines(path).requests[1]
    assert.equals("127.0.0.1", first.request.client_ip)
    assert.is_nil(first.request.method)
    assert.same({ "decide", "failed", "pick" },
      { first.steps[1].ask, first.steps[2].ask, first.steps[3].ask })
    assert.equals(2, first.outcome.attempts)
    local result = replay.json(path, "first")
    assert.same({ 2, 4, 0 }, { result.requests, result.decisions, result.different })
    local other = "return { pick = function(request, pool) return pool[#pool] end }"
    assert.is_truthy(replay.run(path, other):find("a connection", 1, true))
    assert.equals(3, replay.json(path, other).different)
  end)

  it("ends after its time, with what there was", function()
    local n = replay.start { origin.start() }
    local path = replay.record(n, { "--seconds", 2 }, function() n:get "/" end)
    assert.equals(1, replay.lines(path).finish.requests)
    n:get "/"
    assert.equals(404, admin.call(n, "POST", "/record/take").status)
  end)

  it("loses what there is no room for, and says how many", function()
    local n = replay.start { origin.start() }
    assert.equals(200, admin.call(n, "POST", "/record", { count = 400, seconds = 60 }).status)
    assert.equals(409, admin.call(n, "POST", "/record", {}).status)
    local filler = ("%c"):format(200):rep(3000) -- six bytes each in JSON
    for _ = 1, 150 do n:get("/", { ["X-Filler"] = filler }) end
    local kept, lost = 0, 0
    eventually(function() -- the last one's line is written behind its answer
      local body = admin.call(n, "POST", "/record/take").body
      local begun, lost_now = body:match '^{"is_over":false,"begun":(%d+),"lost":(%d+)}\n'
      kept, lost = kept + select(2, body:gsub('\n{"request"', "")), tonumber(lost_now)
      return tonumber(begun) == 150 and kept + lost == 150
    end)
    assert.is_true(lost > 10 and kept > 50)
    assert.equals(200, admin.call(n, "DELETE", "/record").status)
  end)

  it("needs the token, and a clear wish", function()
    local n = replay.start { origin.start() }
    assert.equals(401, admin.call(n, "POST", "/record", {}, { Authorization = false }).status)
    assert.equals(401, admin.call(n, "POST", "/record/take", nil, { Authorization = false }).status)
    assert.is_truthy(admin.call(n, "POST", "/record", { seconds = 0 }).value.error
      :find "^seconds: 0")
    assert.is_truthy(admin.call(n, "POST", "/record", { redact = { "a b" } }).value.error
      :find("no name of a header", 1, true))
    assert.is_truthy(admin.call(n, "POST", "/record", { sconds = 1 }).value.error
      :find("unknown key", 1, true))
  end)

  it("says what is wrong with its arguments", function()
    local function fails(...)
      local code, _, stderr = neap.run { "record", ... }
      assert.equals(1, code)
      return stderr
    end
    assert.is_truthy(fails():find("into which file", 1, true))
    assert.is_truthy(fails("x"):find("--token-file", 1, true))
    assert.is_truthy(fails("--seconds", "0", "x"):find("--seconds: '0'", 1, true))
    assert.is_truthy(fails("--keep", "x-y", "x"):find("not hidden anyway", 1, true))
    local path = scope.directory() .. "/there"
    scope.write(path, "secret-of-eight")
    assert.is_truthy(fails("--admin", "127.0.0.1:1", "--token-file", path, path)
      :find("there already", 1, true))
  end)
end)
