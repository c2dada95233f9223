local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

-- Two backends, of which the second fails each request with 500.
local function start(more)
  local good = origin.start { text = "hello" }
  local bad = origin.start { handler = function() return { status = 500 } end }
  local n = admin.start({ good, bad }, 'name = "web", ' .. (more or ""))
  for _ = 1, 8 do n:get "/" end
  return n, { good = "127.0.0.1:" .. good.port, bad = "127.0.0.1:" .. bad.port }
end

local function pool_when_counted(n)
  return eventually(function()
    local s = admin.status(n)
    return s.services[1].requests == 8 and s.pools[1]
  end)
end

describe("answers by backend", function()
  it("tell in the status which backend it is that answers 500", function()
    local n, name = start()
    local pool = pool_when_counted(n)
    local good, bad = admin.backend(n, name.good), admin.backend(n, name.bad)
    assert.same({ ["2xx"] = 4, ["3xx"] = 0, ["4xx"] = 0, ["5xx"] = 0, other = 0 }, good.answers)
    assert.same({ ["2xx"] = 0, ["3xx"] = 0, ["4xx"] = 0, ["5xx"] = 4, other = 0 }, bad.answers)
    assert.same({ ["2xx"] = 4, ["3xx"] = 0, ["4xx"] = 0, ["5xx"] = 4, other = 0 }, pool.answers)
    assert.equals(0, bad.failures)
    local times, sum = bad.first_byte, 0
    for _, count in ipairs(times.buckets) do sum = sum + count end
    assert.same({ 4, 4 }, { times.count, sum })
    assert.is_true(times.p50 > 0 and times.p50 <= times.p90 and times.p90 <= times.p99)
  end)

  it("tell it in the metrics", function()
    local n, name = start()
    pool_when_counted(n)
    local m = admin.metrics(n)
    local function of(backend, class)
      return m[('neap_backend_responses_total{pool="web",backend="%s",class="%s"}')
        :format(name[backend], class)]
    end
    assert.same({ 4, 0 }, { of("good", "2xx"), of("good", "5xx") })
    assert.same({ 0, 4 }, { of("bad", "2xx"), of("bad", "5xx") })
    assert.equals(4, m['neap_pool_responses_total{pool="web",class="5xx"}'])
    assert.equals(8, m['neap_pool_attempts_total{pool="web"}'])
  end)

  it("tell it in neap status and neap top", function()
    local n, name = start()
    pool_when_counted(n)
    for _, verb in ipairs { "status", "top" } do
      local _, out = neap.run { verb, "--admin", n.admin }
      local row = "%s +unknown +1 +0 +[^ ]+ +0 +%d +0 " -- 4xx, 5xx, failures
      assert.matches(row:format(name.good, 0), out)
      assert.matches(row:format(name.bad, 4), out)
    end
  end)

  it("count an answer after which another backend was tried", function()
    local n, name = start 'retry = { status = { 500 } }'
    local pool = pool_when_counted(n)
    local bad = admin.backend(n, name.bad)
    assert.equals(8, pool.answers["2xx"])
    assert.equals(bad.failures, bad.answers["5xx"])
    assert.is_true(bad.failures > 0)
  end)

  it("outlive a reload", function()
    local n, name = start()
    pool_when_counted(n)
    assert.equals(200, admin.call(n, "POST", "/reload").status)
    eventually(function()
      local bad = admin.backend(n, name.bad)
      return admin.status(n).generation == 2 and bad.answers["5xx"] == 4
        and bad.first_byte.count == 4
    end)
  end)

  it("are summed up by pool where the config wants no rows of backends", function()
    for text, has_backends in pairs { ["false"] = false, ["true"] = true, ["1"] = false,
      ["2"] = true } do
      local good, bad = origin.start(), origin.start()
      local n = admin.start({ good, bad }, 'name = "web"', {
        admin = ('{ listen = "127.0.0.1:0", metrics = { backends = %s } }'):format(text),
      })
      assert.equals(200, n:get("/").status)
      local m = eventually(function()
        local seen = admin.metrics(n)
        return seen['neap_pool_attempts_total{pool="web"}'] == 1 and seen
      end)
      local weight = m[('neap_backend_weight{pool="web",backend="127.0.0.1:%d"}'):format(good.port)]
      assert.equals(has_backends and 1 or nil, weight)
      assert.equals(1, m['neap_pool_responses_total{pool="web",class="2xx"}'])
    end
  end)

  it("are counted for connections of tcp", function()
    local o = origin.start { text = "hello" }
    local n = admin.start({ "tcp://" .. o.address }, 'name = "web", mode = "tcp"')
    n:get "/"
    eventually(function()
      local backend = admin.status(n).pools[1].backends[1]
      return backend.answers["2xx"] == 1 and backend.first_byte.count == 1
    end)
  end)
end)
