local scope = require "support.scope"
local testing = require "neap.testing"

local function lines_in(path, pattern, found)
  for name in scope.read(path):gmatch(pattern) do found[name] = path end
end

describe("the test kit", function()
  it("has every C function that hooks can reach", function()
    local found, C = {}, testing.balancer({ backends = 1 }).world.C
    for _, folder in ipairs { "runtime", "io" } do
      for file in require("posix.dirent").files("lua/neap/" .. folder) do
        lines_in(("lua/neap/%s/%s"):format(folder, file), "C%.(neap_[%w_]+)", found)
      end
    end
    found.neap_task_cancel, found.neap_wait_records = nil, nil -- the agent's
    found.neap_hello_text, found.neap_certificate_try = nil, nil -- it has no ClientHello
    for name in pairs(found) do -- it speaks no HTTP/2, and says so at neap_call_open
      if name:find "^neap_call_" and name ~= "neap_call_open" then found[name] = nil end
    end
    assert.is_truthy(found.neap_slot_inflight)
    for name, path in pairs(found) do
      assert.is_function(rawget(C, name), ("%s, of %s, is missing"):format(name, path))
    end
  end)

  it("repeats itself: the same seed, the same picks", function()
    local function picks(seed)
      local pool, list = testing.pool(10, { policy = "random", seed = seed }), {}
      for i = 1, 50 do list[i] = pool:pick() end
      return table.concat(list, " ")
    end
    assert.equal(picks(1), picks(1))
    assert.not_equal(picks(1), picks(2))
  end)

  it("has balancers that do not know of each other", function()
    local folder = scope.directory()
    scope.write(folder .. "/policy.lua", [[
      local n = 0
      return { pick = function(_, pool) n = n + 1 return pool[n % #pool + 1] end }
    ]])
    local one = testing.pool(3, { policy = folder .. "/policy.lua" })
    local two = testing.pool(3, { policy = folder .. "/policy.lua" })
    assert.equal("b2 b3 b2", one:pick() .. " " .. one:pick() .. " " .. two:pick())
    one:down "b3"
    assert.equal("up", two:backend "b3".state)
  end)

  it("runs a policy's file as neap does: globals are declared", function()
    local folder = scope.directory()
    scope.write(folder .. "/policy.lua",
      "return { pick = function(_, pool) count = 1 return pool[1] end }")
    local pool = testing.pool(3, { policy = folder .. "/policy.lua" })
    local _, why = pcall(pool.send, pool)
    assert.matches("hook pick: .*policy.lua:1: assigning undeclared global 'count'", why)
  end)

  it("ends hooks and files that do not come back, again and again", function()
    local folder = scope.directory()
    local function why_not(code)
      scope.write(folder .. "/policy.lua", code)
      return select(2, pcall(function()
        testing.pool(3, { policy = folder .. "/policy.lua" }):send()
      end))
    end
    local fuse = require "neap.testing.fuse"
    finally(function() fuse.limit = 2 end)
    assert.equal(2, fuse.limit)
    fuse.limit = 0.1
    assert.matches("hook pick: .*policy.lua:1: ran for more than 0.1 s",
      why_not "return { pick = function() while true do end end }")
    assert.matches("hook pick: .*policy.lua:%d: ran for more than 0.1 s", why_not [[
      local function try() while true do end end
      return { pick = function() while true do pcall(try) end end }]])
    assert.matches("policy.lua:1: ran for more than 0.1 s", why_not "while true do end")
    local own = { pick = function() while true do end end } -- luacheck: ignore
    local _, why = pcall(function() testing.pool(3, { policy = own }):send() end)
    assert.matches("hook pick: .*kit_spec.lua:%d+: ran for more than 0.1 s", why)
    assert.is_nil(debug.gethook())
  end)

  it("gives back the memory of balancers that nobody holds", function()
    local function make(n)
      for _ = 1, n do testing.pool(3):send() end
      for _ = 1, 4 do collectgarbage() end
      return collectgarbage "count"
    end
    local before = make(5)
    local kib = (make(40) - before) / 40
    -- Kinds of objects live for ever, and what their methods need (instance.lua).
    assert.is_true(kib < 240, kib)
  end)

  it("hands the access log's function what neap hands it", function()
    local pool = testing.pool({ "b1" }, { access_log = { target = "stdout",
      format = function(request, outcome) return request.path .. " " .. outcome.status end } })
    assert.equal("/a 200", pool:send({ path = "/a" }).line)
  end)

  it("runs whole configs", function()
    local folder = scope.directory()
    scope.write(folder .. "/config.lua", [[return {
      services = { { listen = ":8080", pool = "web", policy = { backends = function(request)
        return request.path == "/api" and require("neap").pool "api" or nil
      end } } },
      pools = { web = { backends = { "http://w:1" } }, api = { backends = { "http://a:1" } } },
    }]])
    local balancer = testing.balancer { config = folder .. "/config.lua" }
    assert.equal("a:1", balancer.pool:pick { path = "/api" })
    assert.equal("w:1", balancer.pools.api:pick { path = "/" })
    assert.error_matches(function() testing.balancer { config = folder .. "/none.lua" } end,
      "No such file")
  end)

  it("answers hooks that ask the network", function()
    local neap = require "neap"
    local policy = { request = function()
      local began = neap.now()
      local answer = assert(neap.http.get("http://auth/x", { timeout = 1 }))
      local _, late = neap.http.get("http://auth/slow", { timeout = 1 })
      local _, none = neap.http.get "http://other/"
      local conn = assert(neap.tcp.connect("redis", 6379))
      assert(conn:send "PING\r\n")
      neap.sleep(0.5)
      return neap.reply { status = answer.status, body = table.concat({ answer.body, late, none,
        conn:receive(), neap.dns.resolve("name")[1], ("%.1f"):format(neap.now() - began) }, "|") }
    end }
    local network = {
      http = {
        ["http://auth/x"] = { status = 403, body = "no", after = 0.2 },
        ["http://auth/slow"] = { after = 3 },
      },
      tcp = { ["redis:6379"] = function(bytes) return bytes == "PING\r\n" and "+PONG\r\n" end },
      dns = { name = { "192.0.2.1" } },
    }
    local result = testing.pool(1, { policy = policy, network = network }):send()
    assert.equal("403 no|timeout|connection refused|+PONG|192.0.2.1|1.7",
      result.status .. " " .. result.body)
    assert.equal("http://auth/x", network.log[2].what)
  end)

  it("ends a hook that waits too long, and knows those that may not wait", function()
    local neap = require "neap"
    local function pool_with(hooks) return testing.pool(1, { policy = hooks }) end
    assert.error_matches(function()
      pool_with({ pick = function() neap.sleep(60) end }):send()
    end, "did not answer in time")
    assert.error_matches(function()
      pool_with({ log = function() neap.sleep(1) end }):send()
    end, "this hook may not wait")
  end)

  it("lets tests say what a ClientHello says", function()
    local backends = { "tcp://a:1", "tcp://b:1" }
    local pool = testing.pool(backends, { mode = "tcp", sniff = "tls", policy = {
      pick = function(request, pool)
        return pool[request.sni == "b.test" and request.alpn[2] == "h3" and request.ja4 and 2 or 1]
      end,
    } })
    local ja4 = "t13d1516h2_8daaf6152771_e5627efa2ab1"
    local names = { pool:pick(), pool:pick { sni = "b.test", alpn = { "h2", "h3" }, ja4 = ja4 } }
    assert.are_not.equal(names[1], names[2])
  end)

  it("has a light path, for simulations", function()
    local b = testing.balancer { backends = { "a", { name = "b", slots = 1 }, "c" }, light = true,
      time = 100 }
    local request = b:request { path = "/" }
    assert.equal(3, b.count)
    assert.same({ 1, 2, 3 }, { b:pick(request), b:pick(request), b:pick(request) })
    b:take(2)
    assert.equal(1, b:inflight(2))
    b:renew(request)
    assert.same({ 3, 1, 3 }, { b:pick(request), b:pick(request), b:pick(request) })
    assert.equal("retry", b:failed(request, { stage = "connect", kind = "refused" }))
    assert.equal("down", b:state(3))
    assert.equal(1, b:pick(request))
    b:answered(request, 0.25)
    assert.equal(0.25, b:backend(1).latency)
    b:set(3, { state = "up", inflight = 2 })
    b:set(1, { state = "drain" })
    b:set_time(200)
    b:renew(request)
    assert.equal(3, b:pick(request))
    b:set(3, { state = "down" })
    b:renew(request)
    assert.same({ nil, "queue" }, { b:pick(request) })
    assert.equal("c", b:name(3))
    assert.error_matches(function() b:set(1, { colour = 1 }) end, "colour = 1 .* cannot be set")
  end)
end)
