-- One URL at which backends fail must not take the service down for everybody; a backend that fails
-- at all of them must go.

local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

local FAULTS = {
  ["closes without an answer"] = function(conn) conn:close() end,
  ["resets"] = function(conn) conn:reset() end,
  ["sends a malformed head"] = function(conn)
    conn:send "HTTP/1.1 200 OK\r\nContent-Disposition: a\1b\r\nContent-Length: 2\r\n\r\nok"
  end,
  ["answers a listed status"] = function(conn) conn:respond { status = 599, body = "x" } end,
}

-- Fails at /bad; if it is sick, at /health, too, but for the first time.
local function backend(number, fault, is_sick)
  local checks = 0
  return origin.start {
    name = "web" .. number,
    handler = function(conn, request)
      if request.target == "/bad" then return fault(conn) end
      if request.target ~= "/health" then return conn.name end
      checks = checks + 1
      return { status = is_sick and checks > 1 and 500 or 200, body = "" }
    end,
  }
end

local function backends(count, fault)
  local list = {}
  for i = 1, count do list[i] = backend(i, fault) end
  return list
end

local HTTP = 'health = { type = "http", path = "/health" },'
local CHECKS = {
  tcp = 'health = { type = "tcp" },',
  http = HTTP,
  none = 'health = { type = "none" },',
  hook = "policy = { check = function() require('neap').sleep(0.05) return true end },",
}
local LISTED = " retry = { status = { 599 } },"

local function start(list, more, workers)
  local n = neap.start {
    config = neap.config(list, ("workers = %d, %s %s"):format(workers or 1, more, LISTED)),
  }
  if not more:find '"none"' then
    eventually(function() return n:count_log "checked ok" >= #list end)
  end
  return n
end

-- As many at once as are given, then one after the other.
local function burst(n, count, method)
  local clients = {}
  for i = 1, count do
    clients[i] = client.connect(n.address)
    clients[i]:send(("%s /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
      .. "Connection: close\r\n\r\n"):format(method or "GET"))
  end
  for _, c in ipairs(clients) do assert.is_true(c:read_response().status >= 500) end
end

local function all_are_well(n, count)
  for _ = 1, count do assert.equal(200, n:get("/fine").status) end
end

describe("a URL at which backends fail", function()
  for name, fault in pairs(FAULTS) do
    for _, count in ipairs { 1, 2, 4 } do
      it(("costs nobody else anything: %s, backends: %d"):format(name, count), function()
        local n = start(backends(count, fault), CHECKS.tcp, 2)
        for _ = 1, 3 do
          burst(n, 8)
          all_are_well(n, 6)
        end
        assert.is_true(n:count_log "→ down" < count * 3)
      end)
    end
  end

  for kind, check in pairs(CHECKS) do
    it("costs nobody else anything, whatever checks there are: " .. kind, function()
      local n = start(backends(2, FAULTS.resets), check)
      for _ = 1, 3 do
        burst(n, 6, "POST")
        all_are_well(n, 6)
      end
    end)
  end

  it("takes nothing out while good answers come in between", function()
    local n = start(backends(2, FAULTS["closes without an answer"]), CHECKS.tcp)
    for _ = 1, 10 do
      burst(n, 1)
      all_are_well(n, 4)
    end
    assert.equal(0, n:count_log "→ down")
  end)

  it("never takes out the last one that serves, which is said once", function()
    local n = start(backends(1, FAULTS.resets), CHECKS.none)
    burst(n, 12)
    n:wait_log "stays in service, though it fails %(%d+ failures in a row: .*%): no other one "
    all_are_well(n, 3)
    burst(n, 12)
    all_are_well(n, 3)
    assert.equal(1, n:count_log "stays in service")
  end)
end)

describe("a backend that takes connections and serves nobody", function()
  local function hangs_up() return origin.start { connection = function(conn)
    conn:read_some()
    conn:close()
  end } end

  for kind, check in pairs(CHECKS) do
    it("is out after three failures in a row, with checks of the kind: " .. kind, function()
      if kind == "http" then return end -- that check sees it
      local dead = hangs_up()
      local n = start({ dead, origin.start { name = "web" } }, check, 2)
      for _ = 1, 6 do assert.equal("web", n:get("/").body) end
      n:wait_log "→ down %(%d+ failures in a row: closed the connection before its answer%)"
    end)
  end

  it("is out as soon as a check fails, though one failure is not three", function()
    local list = { backend(1, FAULTS.resets, true), backend(2, FAULTS.resets) }
    local n = start(list, 'health = { type = "http", path = "/health", fall = 3 }, '
      .. "policy = { pick = function(_, pool) return pool[1] end },")
    burst(n, 1)
    n:wait_log "→ down%): Unhealthy %S+, error:status 500"
  end)

  it("is out when the policy's check says so", function()
    local n = start(backends(2, FAULTS.resets), [[policy = { check = function(b)
      local neap = require "neap"
      neap.sleep(0.1)
      if neap.metric.counter("asked", "checks"):next() >= 2 then return false, "too late" end
      return true
    end },]])
    burst(n, 1)
    n:wait_log "→ down%): Unhealthy %S+, error:too late"
  end)

  it("comes back when it serves again", function()
    local web = origin.start { name = "web1" }
    local n = start({ web, origin.start { name = "web2" } }, CHECKS.tcp)
    web:kill()
    for _ = 1, 4 do assert.equal("web2", n:get("/").body) end
    web:start_again()
    eventually(function() return n:get("/").body == "web1" end, 5)
  end)
end)
