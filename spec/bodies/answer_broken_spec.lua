local client = require "support.client"
local eventually = require "support.eventually"
local h2_client = require "support.h2_client"
local origin = require "support.origin"
local proxied = require "support.proxied"

local SEES = [[policy = {
  response = function(request, backend, response)
    require("neap").log.info "asks"
    local body, why = response:body()
    require("neap").log.info("got %s", body or why)
  end,
  pick = function(_, pool) return pool[1] end,
  failed = function(request, backend, failure)
    require("neap").log.info("failed %s %s %s", failure.stage, failure.kind, failure.message)
    return "retry"
  end,
},]]

-- A backend that sends these bytes, and then does what the function says.
local function breaking(bytes, what)
  return origin.start { connection = function(conn)
    while conn:read_request() do
      conn:send(bytes)
      if what then what(conn) end
    end
  end }
end

local HALF = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
local CHUNKS = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"

local function later(bytes)
  return function(conn)
    conn:wait(0.05)
    if bytes then conn:send(bytes) else conn:close() end
  end
end

describe("response:body of a broken answer", function()
  for name, case in pairs {
    ["that ends in its middle"] = { HALF, later(), "failed body reset broke off its answer" },
    ["that is reset"] = { HALF, function(conn) conn:reset() end, "failed body reset" },
    ["that ends within its chunks"] = { CHUNKS, later(), "failed body reset" },
    ["with a malformed chunk"] = { CHUNKS, later "zz\r\n",
      "failed body protocol sent a malformed body" },
    ["whose first chunk is malformed"] = { CHUNKS:gsub("4\r\n", "zz\r\n"), nil,
      "failed body protocol sent a malformed body" },
  } do
    it("goes to another backend: one " .. name, function()
      local good = origin.start { handler = function() return "whole" end }
      local n = proxied.before({ breaking(case[1], case[2]), good }, SEES)
      local answer = client.get(n.address, "/")
      assert.equal("200 whole", answer.status .. " " .. answer.body)
      n:wait_log(case[3])
      n:wait_log "got whole"
    end)
  end

  it("is a 502 where no other backend is left", function()
    local n = proxied.before({ breaking(HALF, later()) }, SEES)
    local answer = client.get(n.address, "/")
    assert.equal("502 the backend closed the connection", answer.status .. " "
      .. answer.headers["x-neap-error"])
    assert.equal(0, n:count_log "got")
  end)

  it("is a 502 for what may not be sent again", function()
    local good = origin.start {}
    local n = proxied.before({ breaking(HALF, later()), good }, SEES)
    assert.equal(502, client.request(n.address,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").status)
    assert.equal(0, #good:requests())
  end)

  it("is a 504 after timeouts.stream_idle without a byte", function()
    local n = proxied.before({ breaking(HALF) }, SEES .. "timeouts = { stream_idle = 0.2 },")
    assert.equal(504, client.get(n.address, "/").status)
    n:wait_log "failed body timeout stalled in its answer"
    assert.equal(0, n:count_log "got")
  end)

  it("ends with timeouts.request, whatever else", function()
    local n = proxied.before({ breaking(HALF) }, SEES .. "timeouts = { request = 0.3 },")
    assert.equal(504, client.get(n.address, "/").status)
    assert.equal(0, n:count_log "got")
    assert.equal(0, n:count_log "did not answer in time")
  end)

  it("ends with its client", function()
    local web = breaking(HALF)
    local n = proxied.before({ web }, SEES)
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    n:wait_log "asks"
    c:reset()
    eventually(function() return web:open_connections() == 0 end)
    c = h2_client.connect(n.address)
    c:request({})
    n:wait_log "asks.*asks"
    c:reset()
    eventually(function() return web:open_connections() == 0 end)
    assert.equal(0, n:count_log "got")
  end)
end)
