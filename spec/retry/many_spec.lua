-- A request that has very many dead backends before it.

local client = require "support.client"
local cpu = require "support.cpu"
local eventually = require "support.eventually"
local net = require "support.net"
local neap = require "support.neap"

local COUNT = 3000
local WHOLE = "tried " .. COUNT

local POLICY = [[policy = {
  request = function(request)
    if request.path == "/other" then return require("neap").reply { body = "other" } end
  end,
  failed = function() return "retry" end,
  log = function(_, outcome) require("neap").log.info("tried %d", outcome.attempts) end,
}]]

describe("with thousands of dead backends a request", function()
  local n

  before_each(function()
    local dead, backends = net.refused(), {}
    for i = 1, COUNT do backends[i] = ("http://%s/%d"):format(dead, i) end
    n = neap.start { config = neap.config(backends, 'health = { type = "none" },' .. POLICY) }
  end)

  it("tries each once, in a time that goes by their number", function()
    local worker = n:workers()[1]
    local before = cpu.seconds(worker)
    local c = client.connect(n.address, { timeout = 20 * eventually.slowness })
    assert.equal(502, c:request("GET", "/").status)
    n:wait_log(WHOLE)
    local used = cpu.seconds(worker) - before
    assert.is_true(used < 3 * eventually.slowness, ("%.1f s"):format(used))
  end)

  it("leaves others their turns", function()
    local c = client.connect(n.address, { timeout = 20 * eventually.slowness })
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    n:wait_log "attempt 1 on "
    for _ = 1, 5 do assert.equal("other", n:get("/other").body) end
    assert.equal(0, n:count_log(WHOLE))
    assert.equal(502, c:read_response().status)
  end)

  it("ends with a client that leaves", function()
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    n:wait_log "attempt 1 on "
    c:close()
    n:wait_log "tried %d+"
    assert.equal(0, n:count_log(WHOLE))
  end)
end)
