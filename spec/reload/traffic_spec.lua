local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local nginx = require "support.nginx"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local RELOADS = 50

local function wrk(n, ...)
  local argv = { "wrk", "-t1", "--timeout", "10s", ... }
  table.insert(argv, "http://" .. n.address .. "/")
  return process.spawn { argv = argv }
end

-- A run that ended by our INT reports what it saw until then.
local function assert_clean(run)
  run:kill "INT"
  run:wait(10)
  local report = run:stdout()
  assert.is_nil(report:match "Socket errors[^\n]*")
  assert.is_nil(report:match "Non%-2xx[^\n]*")
  assert.is_true(tonumber(report:match "(%d+) requests in") > 500)
end

describe("reloads under full load", function()
  it("lose no request and reset no connection", function()
    local web = nginx.start { name = "web" }
    local n = neap.start {
      config = neap.config({ web.url }, 'workers = 2, log = { level = "info" }'),
    }
    local kept = wrk(n, "-c64", "-d60s")
    local fresh = wrk(n, "-c16", "-d60s", "-H", "Connection: close")
    for index = 1, RELOADS do
      n:signal "HUP"
      n:wait_log(("generation %d serves"):format(index + 1), 20)
    end
    assert_clean(kept)
    assert_clean(fresh)
    eventually(function() return #n:children() == 3 end, 5, "the old generations' end")
  end)
end)

describe("a connection of the generation before", function()
  local function start(more)
    return neap.start { config = neap.config({ origin.start { name = "old" } }, more) }
  end

  local function reload(n, number)
    n:signal "HUP"
    n:wait_log(("generation %d serves"):format(number))
  end

  it("is served on, and told to close with the next answer", function()
    local n = start()
    local c = client.connect(n.address)
    assert.equal("old", c:request("GET", "/").body)
    scope.write(n.dir .. "/config.lua", neap.config { origin.start { name = "new" } })
    reload(n, 2)
    eventually.always(function() return not c:closed(0) end, 2.2)
    local response = c:request("GET", "/")
    assert.equal("old", response.body)
    assert.equal("close", response.headers.connection)
    assert.is_true(c:closed())
    assert.equal("new", n:get("/").body)
  end)

  it("is closed when timeouts.drain is over, if it stays silent", function()
    local n = start "timeouts = { drain = 0.5 }"
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/").status)
    reload(n, 2)
    assert.is_true(c:closed(3))
    eventually(function() return #n:children() == 2 end)
  end)

  it("is cut when too many generations drain", function()
    local n = start()
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/").status)
    local others = {}
    for index = 1, 8 do
      reload(n, index + 1)
      others[index] = client.connect(n.address)
      assert.is_nil(others[index]:request("GET", "/").headers.connection)
    end
    assert.is_false(c:closed(0))
    reload(n, 10)
    n:wait_log "generation 1 still drains, and 8 younger ones do: it is cut"
    assert.is_true(c:closed())
    assert.equal(200, others[1]:request("GET", "/").status)
  end)
end)
