-- Routers spread connections over two balancers (ECMP); who changes balancer keeps the backend.
local client = require "support.client"
local eventually = require "support.eventually"
local lan = require "support.lan"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local SERVICE = "10.8.0.1" -- both balancers have it
local CLIENTS, CONNECTIONS = 24, 6

-- c sends what goes to SERVICE through group 1, by the ports and addresses of each connection.
local ROUTE = ([[
sysctl -q -w net.ipv4.fib_multipath_hash_policy=1 &&
ip nexthop add id 11 via 10.9.0.1 dev eth0 && ip nexthop add id 12 via 10.9.0.2 dev eth0 &&
ip nexthop add id 1 group 11/12 && ip route add %s/32 nhid 1]]):format(SERVICE)

local function source_of(i) return "10.9.0." .. 100 + i end

local function routed_lan()
  local l = lan.start { a = "10.9.0.1", b = "10.9.0.2", c = "10.9.0.3", o = "10.9.0.4" }
  for _, name in ipairs { "a", "b" } do
    assert(l:run(name, "ip addr add " .. SERVICE .. "/32 dev lo") == 0)
  end
  local lines = {}
  for i = 1, CLIENTS do lines[i] = ("ip addr add %s/24 dev eth0"):format(source_of(i)) end
  assert(l:run("c", table.concat(lines, " && ")) == 0)
  assert(l:run("c", ROUTE) == 0)
  return l
end

-- The two know the same backends, told in another order. → the balancers
local function balancers(l, policy)
  local backends = l:inside("o", origin.several, 5, { address = "10.9.0.4:0" })
  local list, both = {}, {}
  for _, backend in ipairs(backends) do table.insert(list, ('"%s"'):format(backend.url)) end
  for _, name in ipairs { "a", "b" } do
    local dir = scope.directory()
    table.insert(both, l:inside(name, neap.start, { config = ([[return {
      listen = "0.0.0.0:80", workers = 2, access_log = { target = "%s/access.log" },
      health = { type = "none" }, backends = { %s }, policy = %s }]])
      :format(dir, table.concat(list, ", "), policy) }))
    both[#both].log_dir = dir
    table.sort(list, function(x, y) return x > y end)
  end
  return both
end

-- Requests of one client, each on a connection of its own → the only backend that answered
local function asks(i, cookie, count)
  local only
  for _ = 1, count do
    local c = client.connect(SERVICE .. ":80", { from = source_of(i) })
    local answer = c:request("GET", "/", { Cookie = cookie })
    c:close()
    assert.equal(200, answer.status)
    only = only or answer.body
    assert.equal(only, answer.body)
    if not cookie then cookie = (answer.headers["set-cookie"] or ""):match "^[^;]+" end
  end
  return only, cookie
end

local function served(n)
  local _, lines = scope.read(n.log_dir .. "/access.log"):gsub("\n", "")
  return lines
end

local describe_able = lan.is_able and describe or pending

describe_able("a client whose connections are spread over two balancers", function()
  local l

  local function each_client_stays()
    local backends, cookies = {}, {}
    for i = 1, CLIENTS do
      backends[i], cookies[i] = l:inside("c", asks, i, nil, CONNECTIONS)
    end
    return backends, cookies
  end

  local function still_stays(backends, cookies)
    for i = 1, CLIENTS do
      assert.equal(backends[i], (l:inside("c", asks, i, cookies[i], 2)))
    end
  end

  for what, policy in pairs {
    ["by its address"] = 'require "neap.policy.source" { maglev = true, size = 2003 }',
    ["by a signed cookie"] = 'require "neap.policy.cookie" { key = "the same on both" }',
  } do
    it("stays with one backend " .. what .. ", and when one balancer goes", function()
      l = routed_lan()
      local both = balancers(l, policy)
      local backends, cookies = each_client_stays()
      local total = CLIENTS * CONNECTIONS
      eventually(function() return served(both[1]) + served(both[2]) >= total end, 5, "the logs")
      for _, n in ipairs(both) do
        assert.is_true(served(n) > total / 4, served(n) .. " of " .. total)
      end
      assert(l:run("c", "ip nexthop replace id 1 group 12") == 0)
      local before = served(both[1])
      still_stays(backends, cookies)
      assert.equal(before, served(both[1]))
      assert(l:run("c", "ip nexthop replace id 1 group 11") == 0)
      still_stays(backends, cookies)
    end)
  end
end)
