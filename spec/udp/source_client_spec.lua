-- source = "client": backends see the client's address. Machines of their own, for the way back is
-- the network's: what backends say to the client goes by the balancer's machine, which keeps it.

local eventually = require "support.eventually"
local lan = require "support.lan"
local neap = require "support.neap"
local scope = require "support.scope"
local udp = require "support.udp"

local SOURCE = 'source = "client",'
local NEAP = "10.9.0.1:53"
local RIGHT = 'source = "client" needs CAP_NET_ADMIN or CAP_NET_RAW'

-- As docs/udp.md has it.
local ROUTES = [[ip rule add iif eth0 ipproto udp sport 5353 lookup 100 &&
  ip rule add iif eth0 ipproto icmp lookup 100 &&
  ip route add local default dev lo table 100]]

local LOOP = [[return {
  services = {
    { name = "first", listen = "10.9.0.1:53", mode = "udp", pool = "first" },
    { name = "second", listen = "10.9.0.1:54", mode = "udp", pool = "second" },
  },
  pools = {
    first = { source = "client", health = { type = "none" }, backends = { "udp://10.9.0.1:54" } },
    second = { source = "client", health = { type = "none" }, backends = { "udp://10.9.0.1:53" } },
  },
}]]

local function network()
  local l = lan.start { edge = "10.9.0.1", client = "10.9.0.2", a = "10.9.0.3", b = "10.9.0.4" }
  assert.equal(0, (l:run("edge", ROUTES)))
  for _, name in ipairs { "a", "b" } do
    assert.equal(0, (l:run(name, "ip route add 10.9.0.2/32 via 10.9.0.1")))
  end
  return l
end

local function named(l, name, address)
  return l:inside(name, udp.server, function(bytes) return name .. ": " .. bytes end,
    { address = address, port = 5353 })
end

local function config(backends, more)
  return (udp.config(backends, SOURCE .. (more or "")):gsub("127%.0%.0%.1:0", NEAP))
end

local function start(l, backends, more)
  return l:inside("edge", neap.start, { config = config(backends, more) })
end

local function client(l) return l:inside("client", udp.client, NEAP, { from = "10.9.0.2" }) end

local function senders(server)
  local list = {}
  for _, d in ipairs(server:received()) do table.insert(list, d.from) end
  return list
end

local describe_able = lan.is_able and describe or pending

describe_able("source = 'client' of a udp pool", function()
  it("shows the backend the client's address, and its answers come back", function()
    local l = network()
    local server = named(l, "a", "10.9.0.3")
    start(l, { server })
    local c = client(l)
    assert.equal("a: one", c:ask "one")
    assert.equal("a: two", c:ask "two")
    for _, from in ipairs(senders(server)) do assert.matches("^10%.9%.0%.2:", from) end
  end)

  it("is kept over a reload, with the port", function()
    local l = network()
    local server = named(l, "a", "10.9.0.3")
    local n = start(l, { server })
    local c = client(l)
    assert.equal("a: 1", c:ask "1")
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 10)
    assert.equal("a: 2", c:ask "2")
    local list = senders(server)
    assert.matches("^10%.9%.0%.2:", list[1])
    assert.equal(list[1], list[2])
  end)

  it("comes with a reload to flows that are open", function()
    local l = network()
    local server = named(l, "a", "10.9.0.3")
    local text = config { server }
    local n = l:inside("edge", neap.start, { config = (text:gsub(SOURCE, "")) })
    local c = client(l)
    assert.equal("a: 1", c:ask "1")
    scope.write(n.dir .. "/config.lua", text)
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 10)
    assert.equal("a: 2", c:ask "2")
    local list = senders(server)
    assert.matches("^10%.9%.0%.1:", list[1])
    assert.equal(list[1]:gsub("0%.1:", "0.2:"), list[2])
  end)

  it("hears what ICMP says to the client: another backend is tried", function()
    local l = network()
    start(l, { "10.9.0.4:5353", named(l, "a", "10.9.0.3") })
    for i = 1, 2 do assert.equal("a: " .. i, client(l):ask(tostring(i))) end
  end)

  it("checks backends from neap's own address", function()
    local l = network()
    local server = named(l, "a", "10.9.0.3")
    start(l, { server }, 'health = { type = "udp", send = "check", interval = 0.2 },')
    eventually(function() return #server:received() > 0 end)
    assert.matches("^10%.9%.0%.1:", senders(server)[1])
  end)

  it("finds a backend that leads back to neap", function()
    local l = network()
    local n = l:inside("edge", neap.start, { config = LOOP,
      allow = { "a datagram of neap's own came back" } })
    client(l):send "x"
    n:wait_log "a datagram of neap's own came back to it and was dropped"
  end)
end)

describe("without the right to it", function()
  it("neap -t and a start say what is missing", function()
    if not lan.is_able then return pending "needs root" end
    local text = udp.config({ "127.0.0.1:9" }, SOURCE .. 'user = "nobody",')
    for _, check in ipairs { true, false } do
      local path = scope.directory() .. "/config.lua"
      scope.write(path, text)
      local code, out, err = neap.run(check and { "-t", "-c", path } or { "-c", path })
      assert.not_equal(0, code)
      assert.truthy((out .. err):find(RIGHT, 1, true), out .. err)
    end
  end)
end)
