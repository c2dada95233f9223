local admin = require "support.admin"
local eventually = require "support.eventually"
local null = require("cjson").null
local origin = require "support.origin"
local process = require "support.process"

local function history(n, query) return admin.get(n, "/history?" .. query).value end

local function sum(list)
  local all = 0
  for _, value in ipairs(list) do all = all + (value ~= null and value or 0) end
  return all
end

-- Two backends, of which the second fails each request with 500; it is looked at already.
local function start()
  local good = origin.start { text = "hello" }
  local bad = origin.start { handler = function() return { status = 500 } end }
  local n = admin.start({ good, bad }, 'name = "web"')
  eventually(function() return history(n, "service=web").first ~= null end)
  return n, "pool=web&backend=127.0.0.1:" .. good.port, "pool=web&backend=127.0.0.1:" .. bad.port
end

local function has(n, query, name, wanted)
  local seen
  eventually(function()
    seen = history(n, query)
    return sum(seen[name]) == wanted
  end)
  return seen
end

describe("the history", function()
  it("tells what services, pools and backends did, by the second", function()
    local n, good, bad = start()
    for _ = 1, 8 do n:get "/" end
    local seen = has(n, "service=web", "requests", 8)
    assert.same({ 4, 4 }, { sum(seen["2xx"]), sum(seen["5xx"]) })
    local count = #seen.requests
    for _, name in ipairs { "3xx", "other", "refused", "failures", "inflight", "p50", "p99" } do
      assert.equals(count, #seen[name])
    end
    assert.is_true(sum(seen.p99) > 0)
    assert.is_true(seen.first + count - 1 <= seen.now)
    assert.equals(4, sum(has(n, "pool=web", "requests", 8)["5xx"]))
    assert.equals(4, sum(has(n, good, "requests", 4)["2xx"]))
    assert.equals(4, sum(has(n, bad, "requests", 4)["5xx"]))
  end)

  it("gives what is new since a time", function()
    local n = start()
    local all = eventually(function()
      local seen = history(n, "service=web")
      return #seen.requests >= 2 and seen
    end)
    local rest = history(n, "service=web&since=" .. all.first)
    assert.equals(all.first + 1, rest.first)
    assert.same({}, history(n, "service=web&since=" .. all.now + 60).requests)
    eventually(function() -- a minute may end in between
      local whole = history(n, "service=web&step=60")
      local since = history(n, "service=web&since=-1e300&step=60")
      return whole.first == since.first and #whole.requests == #since.requests
    end)
  end)

  it("outlives a reload and the agent", function()
    local n, good, bad = start()
    for _ = 1, 4 do n:get "/" end
    has(n, "service=web", "requests", 4)
    assert.equals(200, admin.call(n, "POST", "/reload").status)
    for _ = 1, 4 do n:get "/" end
    has(n, "service=web", "requests", 8)
    n:allow "agent .* was killed"
    process.signal(n:agent(), "KILL")
    eventually(function()
      local ok, seen = pcall(history, n, "service=web")
      return ok and sum(seen.requests) == 8
    end)
    for _ = 1, 4 do n:get "/" end
    has(n, "service=web", "requests", 12)
    has(n, bad, "5xx", 6)
    has(n, good, "2xx", 6)
  end)

  it("says what is wrong with a question", function()
    local n = start()
    for query, why in pairs {
      [""] = "expected service=NAME",
      ["service=web&pool=web"] = "not both",
      ["backend=a"] = "its pool is missing",
      ["service=web&step=7"] = "step: expected 1 or 60",
      ["pool=web&backend=a&step=60"] = "backends have only 1",
      ["service=web&since=yesterday"] = "since: expected Unix time",
      ["service=web&since=nan"] = "since: expected Unix time",
      ["service=web&much=1"] = "'much' is no parameter",
      ["service=no"] = "there is no service 'no'",
      ["pool=no"] = "there is no pool 'no'",
      ["pool=web&backend=%0ano"] = "there is no backend '\\x0ano'",
    } do
      local answer = admin.get(n, "/history?" .. query)
      assert.equals(why:find "there is no" and 404 or 400, answer.status)
      assert.is_truthy(answer.value.error:find(why, 1, true), answer.value.error)
    end
  end)
end)
