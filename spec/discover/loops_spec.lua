-- A list of backends that names neap's own address.
local admin = require "support.admin"
local agent = require "support.agent"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local scope = require "support.scope"

describe("neap's own address among its backends", function()
  local function check(text) return neap.check("return {" .. text .. "}") end

  local function refused(mode, listen, url)
    local code, output = check(([[ mode = %q, listen = %q, backends = { %q } ]])
      :format(mode, listen, url))
    return code == 1 and output:find("this is where neap itself listens for service", 1, true)
      and output:find("backends[1]", 1, true) ~= nil
  end

  it("is refused in a config, of whatever transport", function()
    assert.is_true(refused("http", ":8080", "http://127.0.0.1:8080"))
    assert.is_true(refused("http", "127.0.0.1:8080", "http://localhost:8080/x"))
    assert.is_true(refused("http", "0.0.0.0:8080", "https://127.0.0.7:8080"))
    assert.is_true(refused("http", "[::1]:8080", "http://[0:0::1]:8080"))
    assert.is_true(refused("http", "unix:/run/x.sock", "unix:/run/x.sock"))
    assert.is_true(refused("tcp", ":5432", "tcp://[::1]:5432"))
    assert.is_true(refused("udp", "127.0.0.1:53", "udp://127.0.0.1:53"))
  end)

  it("is another one with another port, address or service", function()
    assert.equal(0, check [[ listen = "127.0.0.1:8080", backends = { "http://127.0.0.2:8080" } ]])
    assert.equal(0, check [[ listen = ":8080", backends = { "http://127.0.0.1:8081" } ]])
    assert.equal(0, check [[ listen = ":8080", backends = { "http://192.0.2.1:8080" } ]])
    assert.equal(0, check [[ services = {
      { listen = ":8080", backends = { "http://127.0.0.1:8081" } },
      { listen = ":8081", backends = { "http://192.0.2.1:80" } } } ]])
  end)

  it("is left out of a registry's list, told once, and the others serve", function()
    local web, port = origin.start { name = "web" }, net.refused():match ":(%d+)$"
    local own = "127.0.0.1:" .. port
    local path = scope.directory() .. "/list.json"
    scope.write(path, ('["%s","%s"]'):format(own, web.address))
    local n = neap.start { config = ([[return { workers = 1, listen = ":%s",
      health = { type = "none" }, admin = { listen = "127.0.0.1:0" },
      discover = { type = "file", path = %q } }]]):format(port, path) }
    for _ = 1, 4 do assert.equal("web", n:get("/").body) end
    n:wait_log("1 of its members is left out: " .. own .. ": .*where neap itself listens")
    local found = eventually(function()
      local discover = admin.status(n).pools[1].discover
      return discover.left_out == 1 and discover
    end)
    assert.is_truthy(found.left_out_reason:find("where neap itself listens", 1, true))
    scope.write(path .. ".new", ('["%s","%s","%s"]')
      :format(own, web.address, origin.start({}).address))
    assert(os.rename(path .. ".new", path)) -- a half-written file would be told as nonsense
    eventually(function() return #admin.status(n).pools[1].backends == 2 end)
    assert.equal(1, n:count_log "where neap itself listens")
  end)

  it("is refused by the admin side", function()
    local port = net.refused():match ":(%d+)$"
    local n = neap.start { config = ([[return { workers = 1, listen = ":%s",
      health = { type = "none" }, admin = { listen = "127.0.0.1:0", token = %q },
      backends = { %q }, name = "web" }]]):format(port, admin.token, origin.start({}).url) }
    local answer = admin.call(n, "POST", "/pools/web/backends", { url = "http://[::1]:" .. port })
    assert.equal(400, answer.status)
    assert.is_truthy(answer.body:find("where neap itself listens", 1, true))
  end)

  it("is left out of a name's addresses", function()
    local world = agent.new()
    world.addresses.web = { "192.0.2.1", "198.51.100.1", "127.0.0.1" }
    function world.host.is_ours(ip) return ip == "198.51.100.1" end
    world:start { pools = { world.pool { backends = { "http://web:80" } } },
      services = { { name = "s", pool = "web", listen = { ":80" } } } }
    world:run(1)
    assert.same({ "192.0.2.1" }, world.agent.pools[1].by_name["web:80"].addresses)
    assert.equal(1, world:count "^error backend http://web:80 of pool web: 127.0.0.1 is left out")
    assert.equal(1, world:count "^error backend http://web:80 of pool web: 198.51.100.1 is left")
  end)
end)
