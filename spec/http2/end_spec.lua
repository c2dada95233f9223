-- How a connection of HTTP/2 ends: told in two steps, and nothing that the client began is lost.
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"

local MAX_ID = 2 ^ 31 - 1

local function slow(conn, request)
  if request.target == "/slow" then conn:wait(0.5) end
  return request.target
end

-- The first GOAWAY turns nothing away; then, as the PING is answered, the second names the last.
local function told_twice(c, last)
  c:wait(function() return #c.goaways == 2 end)
  assert.same({ MAX_ID, "NO_ERROR" }, { c.goaways[1].last, c.goaways[1].code })
  assert.same({ last, "NO_ERROR" }, { c.goaways[2].last, c.goaways[2].code })
end

describe("A connection of HTTP/2", function()
  it("is told twice to leave at a graceful stop, and its requests are answered", function()
    local n = proxied.start(slow)
    local c = h2_client.connect(n.address)
    assert.equal("/", c:get("/").body)
    local id = c:request { [":path"] = "/slow" }
    c:ping()
    n:signal "QUIT"
    told_twice(c, id)
    assert.equal("/slow", c:answer(id).body)
    assert.is_true(c:closed())
    assert.equal(0, n:wait(10))
  end)

  it("is told at a reload, and a request on its way is still served", function()
    local n = proxied.start(slow)
    local c = h2_client.connect(n.address, { is_manual = true })
    c:send(frames.settings({}, true))
    assert.equal("/", c:get("/").body)
    n:signal "HUP"
    c:wait(function() return #c.goaways == 1 end)
    local id = c:request { [":path"] = "/late" }
    assert.equal("/late", c:answer(id).body)
    told_twice(c, id)
    assert.is_true(c:closed())
    assert.equal("/", h2_client.connect(n.address):get("/").body)
  end)

  it("is told after as many requests as it may have", function()
    local n = proxied.start(slow, "limits = { requests = 3 }")
    local c = h2_client.connect(n.address)
    for _ = 1, 3 do assert.equal("/", c:get("/").body) end
    told_twice(c, 5)
    assert.is_true(c:closed())
  end)

  it("is told when it was idle for long", function()
    local n = proxied.start(slow, "timeouts = { client_idle = 0.3 }")
    local c = h2_client.connect(n.address)
    assert.equal("/", c:get("/").body)
    told_twice(c, 1)
    assert.is_true(c:closed())
  end)

  it("ends when a head does not come to its end in time", function()
    local n = proxied.start(slow, "timeouts = { client_header = 0.5 }")
    local c = h2_client.connect(n.address)
    local block = c:get("/") and frames.headers(3, "\x82\x86\x84", { end_headers = false })
    c:send(block)
    c:wait(function() return #c.goaways > 0 end)
    assert.is_true(c:closed())
  end)

  it("is cut when the drain's time is over, and says so with GOAWAY", function()
    local n = proxied.start(function(conn) conn:wait(20) end, "timeouts = { drain = 0.5 }")
    local c = h2_client.connect(n.address)
    local id = c:request {}
    c:ping()
    n:signal "QUIT"
    c:wait(function() return c:stream(id).reset end)
    assert.is_true(c:closed())
    assert.equal(0, n:wait(10))
  end)
end)

describe("An idle connection of HTTP/2", function()
  it("has its time from its last request on", function()
    local n = neap.start { config = proxied.config({ 1 },
      "timeouts = { client_header = 0.5, client_idle = 30 }") }
    local c = h2_client.connect(n.address)
    assert.equal(502, c:get("/").status)
    eventually.always(function() return c.goaway == nil end, 1)
    assert.equal(503, c:get("/").status)
    assert.is_nil(c.goaway)
  end)
end)

describe("Clients of HTTP/2 at full rate", function()
  it("lose nothing over reloads", function()
    local n = proxied.start(function() return "hello" end)
    local lost, done = 0, 0
    for round = 1, 5 do
      local c = h2_client.connect(n.address)
      for request = 1, 20 do
        if request == 10 then n:signal "HUP" end
        local id = c:request {}
        if c:answer(id).body == "hello" then done = done + 1 else lost = lost + 1 end
        if #c.goaways == 2 then c = h2_client.connect(n.address) end
      end
      eventually(function() return n:count_log "reloaded" >= round end)
    end
    assert.same({ 100, 0 }, { done, lost })
  end)
end)

describe("Floods", function()
  local floods = {
    pings = function(c) c:send(frames.ping "12345678") end,
    settings = function(c) c:send(frames.settings {}) end,
    empty_frames = function(c)
      c.flooded = c.flooded or c:request({ [":method"] = "POST" }, { open = true })
      c:send(frames.data(c.flooded, ""))
    end,
    resets = function(c)
      local id = c:request({ [":method"] = "POST" }, { open = true })
      c:send(frames.reset(id, frames.ERROR.CANCEL))
    end,
  }
  for kind, flood in pairs(floods) do
    it("of " .. kind .. " end with ENHANCE_YOUR_CALM, and are counted", function()
      local web = origin.start { handler = function(conn) conn:wait(20) end, allow_errors = true }
      local n = neap.start { config = proxied.config({ web },
        'admin = { listen = "127.0.0.1:0" }'), allow = { "HTTP/2 connection of" } }
      local c = h2_client.connect(n.address)
      for _ = 1, 2000 do
        flood(c)
        if c.goaway then break end
      end
      assert.equal("goaway ENHANCE_YOUR_CALM", c:fate())
      local metrics = require("support.client").connect(n.admin):request("GET", "/metrics").body
      assert.matches('neap_http2_abuse_total{[^\n]*reason="' .. kind .. '"[^\n]*} 1\n', metrics)
    end)
  end
end)
