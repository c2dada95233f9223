local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local gate = require "support.gate"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local function promtool(text)
  local dir = scope.directory()
  scope.write(dir .. "/metrics", text)
  local pipe = io.popen(("promtool check metrics < %s/metrics 2>&1; echo exit $?"):format(dir))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

describe("the metrics", function()
  it("are what Prometheus reads", function()
    local o = origin.start { text = "hello" }
    local n = admin.start({ o }, [[
      name = 'a "quoted\\ name',
      policy = function()
        local neap = require "neap"
        local seen = neap.metric.counter("shop_orders_total", "Orders seen.")
        local heat = neap.metric.gauge("shop_heat", "How hot.")
        return { request = function() seen:add(2) heat:set(0.5) end }
      end]])
    for _ = 1, 3 do assert.equals(200, n:get("/").status) end
    local text = eventually(function()
      local body = admin.get(n, "/metrics").body
      return body:find "shop_orders_total 6" and body
    end)
    assert.equals("exit 0\n", promtool(text))
    assert.is_truthy(text:find("shop_heat 0.5", 1, true))
    assert.is_truthy(text:find "# HELP shop_orders_total Orders seen.")
    assert.is_truthy(text:find('{service="a \\"quoted\\\\ name"} 3', 1, true))
  end)

  it("count a hook that was stuck inside C once #slow", function()
    local n = admin.start({ origin.start {} }, [[name = "web", policy = {
      request = function() return (("a"):rep(60):find(("a*"):rep(40) .. "b")) end }]])
    n:allow "worker 0 .* was killed"
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    local hook = '{service="web",hook="request"}'
    local m = eventually(function()
      local seen = admin.metrics(n)
      return seen["neap_hook_tripped" .. hook] == 1 and seen
    end, 6)
    assert.equals(1, m["neap_hook_killed_total" .. hook])
    c:close()
  end)

  it("count requests by what became of them, and outlive a worker", function()
    local o = origin.start {
      handler = function(_, request)
        return { status = request.target == "/odd" and 999 or 200 }
      end,
    }
    local n = admin.start({ o }, 'name = "web"')
    n:allow "worker 0 .* was killed"
    for _ = 1, 4 do n:get "/" end
    assert.equals(400, n:get("/", { Host = "a b" }).status)
    assert.equals(999, n:get("/odd").status)
    local seen = eventually(function()
      local m = admin.metrics(n)
      return m['neap_service_requests_total{service="web"}'] == 6 and m
    end)
    assert.equals(4, seen['neap_service_responses_total{service="web",class="2xx"}'])
    assert.equals(1, seen['neap_service_responses_total{service="web",class="4xx"}'])
    assert.equals(1, seen['neap_service_responses_total{service="web",class="other"}'])
    assert.equals(1, seen['neap_service_refused_total{service="web",reason="bad_request"}'])
    assert.equals(6, seen['neap_service_duration_seconds_bucket{service="web",le="+Inf"}'])
    local name = ('pool="web",backend="127.0.0.1:%d"'):format(o.port)
    assert.equals(5, seen[("neap_backend_first_byte_seconds_count{%s}"):format(name)])
    process.signal(n:workers()[1], "KILL")
    eventually(function()
      local m = admin.metrics(n)
      return m['neap_worker_starts_total{worker="0"}'] == 2
        and m['neap_service_requests_total{service="web"}'] == 6
        and m[("neap_backend_attempts_total{%s}"):format(name)] == 5
    end)
    assert.equals(200, n:get("/").status)
  end)

  it("tell who waits for a slot", function()
    local o = gate.start()
    local n = admin.start({}, ('name = "web", backends = { { url = %q, slots = 1 } }, queue = {}')
      :format(o.url))
    local first, second = client.connect(n.address), client.connect(n.address)
    first:send "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return admin.status(n).pools[1].inflight == 1 end)
    second:send "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function()
      return admin.metrics(n)['neap_pool_queue_waiting{pool="web"}'] == 1
    end)
    o:open "/a"
    assert.equals(200, first:read_response().status)
    assert.equals(200, second:read_response().status)
    eventually(function()
      local m = admin.metrics(n)
      return m['neap_pool_queue_queued_total{pool="web"}'] == 1
        and m['neap_pool_queue_waiting{pool="web"}'] == 0
        and m['neap_pool_queue_waited_seconds_total{pool="web"}'] > 0
    end)
  end)

  it("tell which hook errs, over reloads", function()
    local o = origin.start()
    local n = admin.start({ o }, [[
      name = "web",
      policy = { pick = function(request) if request.path == "/" then error "no" end end }]])
    n:allow "hook pick"
    n:get "/"
    eventually(function()
      return admin.metrics(n)['neap_hook_errors_total{service="web",hook="pick"}'] == 1
    end)
    eventually(function()
      for _, event in ipairs(admin.status(n).events) do
        if event.text:find("service web erred (1 time since", 1, true) then return true end
      end
    end)
    assert.equals(200, admin.call(n, "POST", "/reload").status)
    n:get "/"
    eventually(function()
      return admin.metrics(n)['neap_hook_errors_total{service="web",hook="pick"}'] == 2
    end)
    local function told()
      local texts = {}
      for _, event in ipairs(admin.status(n).events) do
        if event.kind == "hook" then table.insert(texts, event.text) end
      end
      return texts
    end
    eventually(function() return #told() > 0 end)
    assert.same({ "hook pick of service web erred (2 times since the start)" }, told())
  end)
end)
