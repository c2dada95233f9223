-- `discover = { type = "dns" or "dns_srv" }` with a real dnsmasq.
local admin = require "support.admin"
local discovered = require "support.discovered"
local dnsmasq = require "support.dnsmasq"
local eventually = require "support.eventually"
local origin = require "support.origin"

local test = dnsmasq.is_able and it or pending

describe("backends in DNS", function()
  local function start(d, settings)
    return discovered.start(settings, nil, { binary = d:binary() })
  end

  local function shows(n, ...) return discovered.shows(n, { ... }) end

  test("are a name's addresses, each one backend", function()
    local web = origin.start {}
    local d = dnsmasq.start { "host-record=web.test,127.0.0.1,::1" }
    local n = start(d, ("type = 'dns', name = 'web.test', port = %d, empty = 2"):format(web.port))
    local first, second = "127.0.0.1:" .. web.port, "[::1]:" .. web.port
    shows(n, first, second)
    for _ = 1, 4 do assert.equal(200, n:get("/").status) end
    d:set { "host-record=web.test,127.0.0.1", "host-record=web.test,127.0.0.2",
      "host-record=web.test,127.0.0.3" }
    shows(n, first, "127.0.0.2:" .. web.port, "127.0.0.3:" .. web.port)
    d:set { "host-record=web.test,127.0.0.1" }
    shows(n, first)
    assert.equal(200, n:get("/").status)
    d:set {}
    n:wait_log "the list is empty"
    shows(n)
  end)

  test("may be many more than a name's addresses usually are", function()
    local lines = {}
    for i = 1, 200 do lines[i] = "host-record=web.test,127.0.1." .. i end
    local d = dnsmasq.start(lines)
    local n = start(d, "type = 'dns', name = 'web.test', port = 80")
    eventually(function() return #admin.status(n).pools[1].backends == 200 end)
  end)

  test("are services with port, weight and priority", function()
    local web = origin.several(3)
    local function records(...)
      local lines = { "host-record=a.test,127.0.0.1", "host-record=b.test,127.0.0.1" }
      for _, one in ipairs { ... } do
        table.insert(lines, "srv-host=_http._tcp.web.test," .. one)
      end
      return lines
    end
    local d = dnsmasq.start(records(("a.test,%d,10,20000"):format(web[1].port),
      ("b.test,%d,10,5000"):format(web[2].port), ("a.test,%d,20,0"):format(web[3].port)))
    local n = start(d, "type = 'dns_srv', name = '_http._tcp.web.test'")
    local all = { "a.test:" .. web[1].port, "a.test:" .. web[3].port, "b.test:" .. web[2].port }
    table.sort(all)
    local by_name = shows(n, unpack(all))
    assert.equal(1000, by_name["a.test:" .. web[1].port].weight)
    assert.equal(250, by_name["b.test:" .. web[2].port].weight)
    assert.equal(0, by_name["b.test:" .. web[2].port].tier)
    assert.equal(1, by_name["a.test:" .. web[3].port].tier)
    assert.equal(1, by_name["a.test:" .. web[3].port].weight)
    assert.are_not.equal("web3", n:get("/").body)
    d:set(records(("a.test,%d,5,0"):format(web[3].port)))
    shows(n, "a.test:" .. web[3].port)
    eventually(function() return n:get("/").body == "web3" end)
  end)

  test("stay while no server answers", function()
    local web = origin.start {}
    local d = dnsmasq.start { "srv-host=_web._tcp.a.test,localhost," .. web.port }
    local n = start(d, "type = 'dns_srv', name = '_web._tcp.a.test'")
    shows(n, "localhost:" .. web.port)
    d:kill()
    n:wait_log("no DNS server gave an answer; its backends stay", 40)
    assert.equal(200, n:get("/").status)
    d:set { "srv-host=_web._tcp.a.test,127.0.0.1," .. web.port }
    n:wait_log("works again", 40)
  end)
end)
