-- A udp service before real servers under load: unbound asked by dnsperf, rsyslog told by logger.

local admin = require "support.admin"
local eventually = require "support.eventually"
local process = require "support.process"
local scope = require "support.scope"
local servers = require "support.udp_servers"
local udp = require "support.udp"

local dns = servers.can("unbound", "dnsperf") and it or pending
local syslog = servers.can("rsyslogd", "logger") and it or pending

local OUTSTANDING = 20

local function start_dns()
  local backends = { servers.unbound "10.0.0.1", servers.unbound "10.0.0.2" }
  local n = udp.start(backends, ([[responses = 1, requests = 1, timeouts = { udp = 2 },
    admin = { listen = "127.0.0.1:0", token = %q },]]):format(admin.token))
  return n, backends
end

-- Asks for three seconds; meanwhile(at): once a part of that is over. → completed, lost
local function ask(n, meanwhile)
  local dir = scope.directory()
  scope.write(dir .. "/names", "a.test A\nb.test A\n")
  local p = process.spawn { name = "dnsperf", argv = { "dnsperf", "-s", "127.0.0.1", "-p",
    tostring(n.port), "-d", dir .. "/names", "-l", "3", "-Q", "400", "-c", "4", "-q",
    tostring(OUTSTANDING), "-t", "2", "-S", "0.5" } }
  eventually(function() return p:log():find "%d+%.%d+: %d+" end, 15)
  meanwhile()
  p:wait(30)
  local text = p:log()
  assert.matches("Response codes: +NOERROR %d+ %(100.00%%%)", text)
  return tonumber(text:match "Queries completed: +(%d+)"),
    tonumber(text:match "Queries lost: +(%d+)")
end

describe("questions of dnsperf to unbound", function()
  dns("are all answered over a reload", function()
    local n = start_dns()
    local completed, lost = ask(n, function()
      n:signal "HUP"
      n:wait_log("reloaded: generation 2 serves", 10)
    end)
    assert.equal(0, lost)
    assert.is_true(completed > 100)
  end)

  dns("are all answered while one of two is drained", function()
    local n, backends = start_dns()
    local completed, lost = ask(n, function()
      local path = ("/pools/%s/backends/%s"):format(admin.status(n).pools[1].name,
        backends[1].address)
      assert.equal(200, admin.call(n, "PATCH", path, { state = "drain" }).status)
    end)
    assert.equal(0, lost)
    assert.is_true(completed > 100)
  end)

  dns("are lost with a backend that is killed only where it had them", function()
    local n, backends = start_dns()
    local completed, lost = ask(n, function() backends[1].process:kill "KILL" end)
    assert.is_true(lost <= OUTSTANDING)
    assert.is_true(completed > 100)
    n:wait_log "is dead%."
  end)
end)

-- Sends these lines, each a datagram, all from one port.
local function log(n, from, to)
  local lines = {}
  for i = from, to do table.insert(lines, ("line %d."):format(i)) end
  local code, _, why = process.run { argv = { "logger", "--udp", "--server", "127.0.0.1",
    "--port", tostring(n.port), "--tag", "spec", "--rfc3164" },
    stdin = table.concat(lines, "\n") .. "\n" }
  assert.equal(0, code, why)
end

-- Which of the lines came, and how often in all.
local function came(collectors)
  local seen, n, all = {}, 0, 0
  for _, collector in ipairs(collectors) do
    for _, line in ipairs(collector:lines()) do
      n = n + (seen[line] and 0 or 1)
      all = all + 1
      seen[line] = true
    end
  end
  return n, all
end

describe("lines of logger to rsyslog", function()
  syslog("all arrive, once, over a reload", function()
    local collectors = { servers.rsyslog(), servers.rsyslog() }
    local n = udp.start(collectors)
    for i = 0, 9 do
      log(n, i * 10 + 1, i * 10 + 10)
      if i == 4 then n:signal "HUP" end
    end
    n:wait_log("reloaded: generation 2 serves", 10)
    eventually(function() return came(collectors) == 100 end)
    assert.same({ 100, 100 }, { came(collectors) })
  end)

  syslog("arrive at the other one when one is killed, but for the first it refused", function()
    local collectors = { servers.rsyslog(), servers.rsyslog() }
    local n = udp.start(collectors)
    log(n, 1, 10)
    log(n, 11, 20)
    eventually(function() return came(collectors) == 20 end)
    collectors[1].process:kill "KILL"
    for i = 2, 9 do log(n, i * 10 + 1, i * 10 + 10) end
    n:wait_log "is dead%."
    eventually(function() return came(collectors) >= 99 end)
  end)
end)
