-- Many requests at once for one backend: few of them dial at a time, so that its accept queue does
-- not overflow; but as many as it serves at once reach it, however slowly it answers.

local client = require "support.client"
local eventually = require "support.eventually"
local net = require "support.net"
local neap = require "support.neap"
local origin = require "support.origin"

local REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
local QUIET = 'health = { type = "none" }, timeouts = { connect = 20, response = 20 },'

local function burst(n, count)
  local list = {}
  local options = { timeout = 20 * eventually.slowness }
  for i = 1, count do list[i] = client.connect(n.address, options) end
  for _, c in ipairs(list) do c:send(REQUEST) end
  return list
end

local function all_well(clients)
  for _, c in ipairs(clients) do assert.equal(200, c:read_response().status) end
end

for _, workers in ipairs { 1, 2 } do
  describe(("a burst with %d workers"):format(workers), function()
    local more = QUIET .. "workers = " .. workers .. ","

    local function start(options, config)
      local o = origin.start(options)
      return neap.start { config = neap.config({ o }, more .. (config or "")) }, o
    end

    it("is served by kept connections, for the most part", function()
      local n, o = start { backlog = 4 }
      all_well(burst(n, 200))
      assert.is_true(o:connections() < 150, "connections: " .. o:connections())
    end)

    it("is served where none is kept", function()
      local n = start({ backlog = 4 }, "keepalive = { connections = 0 },")
      all_well(burst(n, 200))
    end)

    -- Nobody gets an answer before all are there.
    local function together(count)
      local there = 0
      return function(conn)
        there = there + 1
        while there < count do conn:wait(0.01) end
      end
    end

    it("reaches a slow backend whole", function()
      local wait = together(100)
      local n = start { handler = function(conn) wait(conn) return "late" end }
      all_well(burst(n, 100))
    end)

    it("reaches a slow backend whole, each connection with a PROXY header", function()
      local wait = together(50)
      local n = start({ connection = function(conn)
        conn:read_until "\r\n"
        conn:read_until "\r\n\r\n"
        wait(conn)
        conn:send "HTTP/1.0 200 OK\r\n\r\n"
      end }, "send_proxy = 1,")
      all_well(burst(n, 50))
    end)

    it("reaches the slow backend of a tcp service whole", function()
      local wait = together(50)
      local o = origin.start { connection = function(conn)
        wait(conn)
        conn:send "HTTP/1.0 200 OK\r\n\r\n"
      end }
      local n = neap.start { config = neap.config({ "tcp://" .. o.address },
        'mode = "tcp", health = { type = "none" }, workers = ' .. workers) }
      all_well(burst(n, 50))
    end)
  end)
end

describe("a request that waits for its turn to dial", function()
  -- Connections stand, and are never accepted.
  local function silent(more)
    local listener, address = net.listen("127.0.0.1:0", 2)
    local config = neap.config({ "http://" .. address }, 'health = { type = "none" },' .. more)
    return neap.start { config = config }, listener
  end

  it("may be left by its client", function()
    local n, listener = silent [[timeouts = { connect = 20, response = 20 },
      policy = { log = function(_, outcome)
        require("neap").log.info("end: " .. outcome.reason) end }]]
    for _, c in ipairs(burst(n, 60)) do c:close() end
    eventually(function() return n:count_log "end: client left" == 60 end)
    net.close(listener)
    assert.equal(502, n:get("/").status)
  end)

  it("waits in the time of timeouts.connect", function()
    local n = silent "timeouts = { connect = 0.3, response = 0.3 },"
    for _, c in ipairs(burst(n, 60)) do
      local status = c:read_response().status
      assert.is_true(status == 504 or status == 503, status) -- 503: its backend is down by then
    end
  end)

  it("goes on elsewhere when its backend refuses", function()
    local o = origin.start {}
    local n = neap.start {
      config = neap.config({ "http://" .. net.refused(), o }, QUIET),
    }
    all_well(burst(n, 60))
  end)

  it("ends with neap", function()
    local n = silent "timeouts = { connect = 20, response = 20, drain = 0.2 },"
    local clients = burst(n, 60)
    eventually(function() return #n:workers() == 1 end)
    n:stop()
    for _, c in ipairs(clients) do c:close() end
  end)
end)
