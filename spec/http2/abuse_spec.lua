-- Frames that cost their sender next to nothing are counted, by connection and second; past the
-- limit the connection ends with ENHANCE_YOUR_CALM (RFC 9113 §10.5), and others do not notice.
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local hpack = require "support.hpack"
local https = require "support.https"
local proxied = require "support.proxied"

local TYPE = frames.TYPE
local n, o

setup(function()
  n, o = proxied.start(function(conn, request)
    if request.target == "/slow" then conn:wait(60) end
    if request.target == "/large" then return ("b"):rep(1000000) end
    conn:read_body()
    return "whole"
  end, 'admin = { listen = "127.0.0.1:0" },')
end)

local function connect(options) return h2_client.connect(n.port, options) end

local function block(more) return hpack.block(h2_client.fields(more)) end

-- A connection on which `bytes` comes so many times, as fast as it can. What is said
-- before the end is read: a peer that closes while bytes wait for it would reset the connection.
local function flood(bytes, times, options)
  local c = connect(options)
  c:request({ [":method"] = "POST", [":path"] = "/slow" }, { open = true })
  c:ping()
  if type(bytes) == "function" then
    for i = 1, times do
      if not c:send(bytes(i)) then break end
    end
  else
    local most = bytes:rep(50)
    for _ = 1, times / 50 do
      if not c:send(most) then break end
    end
  end
  return c
end

local function counted(reason)
  return https.count(n, "neap_http2_abuse_total", ('reason="%s"'):format(reason))
end

local function calms(reason, bytes, times, options)
  local before = counted(reason)
  local c = flood(bytes, times, options)
  local fate = c:fate()
  -- The peer may have closed before all was sent: then GOAWAY may be lost with what was on its way.
  assert.is_truthy(fate == "goaway ENHANCE_YOUR_CALM" or fate == "closed", fate)
  assert.equal(200, connect():get("/").status)
  eventually(function() return counted(reason) == before + 1 end)
end

local function request_and_reset(i)
  local id = 2 * i + 1
  return frames.headers(id, block { [":path"] = "/slow" }, { end_stream = true })
    .. frames.reset(id)
end

describe("A flood", function()
  it("of streams begun and reset ends (CVE-2023-44487), and spares the backend", function()
    local seen = #o:requests()
    calms("resets", request_and_reset, 5000)
    assert.is_true(#o:requests() - seen < 1000)
  end)

  it("of streams that neap is made to reset ends (CVE-2025-8671)", function()
    calms("made_resets", function(i)
      local id = 2 * i + 1
      return frames.headers(id, block { [":path"] = "/slow" }, { end_stream = true })
        .. frames.window(id, 2 ^ 31 - 1)
    end, 5000)
    calms("made_resets", function(i)
      return frames.headers(2 * i + 1, block { Upper = "case" }, { end_stream = true })
    end, 5000)
  end)

  it("of PING ends", function() calms("pings", frames.ping(), 20000) end)

  it("of SETTINGS ends", function() calms("settings", frames.settings(), 20000) end)

  it("of SETTINGS that say the same again ends", function()
    calms("settings", frames.settings { { "INITIAL_WINDOW_SIZE", 65535 } }, 20000)
  end)

  it("of DATA without bytes ends", function() calms("empty_frames", frames.data(1, ""), 20000) end)

  it("of DATA that is padding alone ends", function()
    calms("empty_frames", frames.data(1, "", { pad = 0 }), 60000)
  end)

  it("of PRIORITY ends", function() calms("priority", frames.priority(1, 3, 16), 60000) end)

  it("of PRIORITY_UPDATE ends", function()
    calms("priority", frames.frame(TYPE.PRIORITY_UPDATE, 0, 0, frames.u32(1) .. "u=1"), 60000)
  end)

  it("of WINDOW_UPDATE ends", function() calms("window_updates", frames.window(0, 1), 100000) end)

  it("of CONTINUATION ends (CVE-2024-27316), with bytes and without", function()
    local long = hpack.literal("x-a", ("b"):rep(16000))
    for _, piece in ipairs { "", hpack.literal("x-a", "b"), long } do
      local before = proxied.resident(n)
      local c = connect()
      c:send(frames.headers(1, block(), { end_headers = false }))
      for _ = 1, 20000 do
        if not c:send(frames.continuation(1, piece, { end_headers = false })) then break end
      end
      local fate = c:fate()
      assert.is_truthy(fate == "goaway ENHANCE_YOUR_CALM" or fate == "closed", fate)
      assert.is_true(proxied.resident(n) - before < 4 * 1024 * 1024 * eventually.slowness)
      assert.equal(200, connect():get("/").status)
    end
  end)

  it("of unknown frames does no harm", function()
    assert.is_true(flood(frames.frame(0xbe, 0, 0, "x"), 1000):ping())
  end)
end)

describe("A block of fields", function()
  it("that becomes far more than it was does not cost its size (an HPACK bomb)", function()
    local before = proxied.resident(n)
    local bomb = hpack.incremental("x-bomb", ("b"):rep(3900)) .. hpack.indexed(62):rep(12000)
    for _ = 1, 20 do
      local c = connect()
      c:send(frames.headers(1, block() .. bomb, { end_stream = true }))
      local outcome = c:outcome(1)
      assert.is_truthy(outcome == "answer 431" or outcome == "goaway ENHANCE_YOUR_CALM", outcome)
    end
    assert.is_true(proxied.resident(n) - before < 4 * 1024 * 1024 * eventually.slowness)
  end)

  it("above limits.headers or header_bytes is answered with 431, the next one served", function()
    local c, many = connect(), {}
    for i = 1, 150 do many[i] = { "x-" .. i, "v" } end
    assert.equal(431, c:answer(c:request(many)).status)
    local large = {}
    for i = 1, 6 do large[i] = { "x-large", ("v"):rep(4000) } end
    local id = c:new_id()
    local whole = block(large)
    c:send(frames.headers(id, whole:sub(1, 16000), { end_stream = true, end_headers = false })
      .. frames.continuation(id, whole:sub(16001)))
    assert.equal(431, c:answer(id).status)
    assert.equal(414, c:answer(c:request { [":path"] = "/" .. ("p"):rep(9000) }).status)
    assert.equal(200, c:get("/").status)
  end)
end)

describe("What is no abuse", function()
  it("goes on: a page left, a download in small steps, PING now and then", function()
    local c = connect { keeps_windows = true }
    for _ = 1, 60 do c:send(frames.reset(c:request { [":path"] = "/slow" })) end
    local id = c:request { [":path"] = "/large" }
    local given = 65535
    while c:stream(id).length < 1000000 do
      local due = math.min(given, 1000000)
      assert.is_truthy(c:wait(function() return c:stream(id).length >= due end))
      c:send(frames.window(0, 1000) .. frames.window(id, 1000))
      given = given + 1000
    end
    for _ = 1, 10 do assert.is_true(c:ping()) end
    assert.equal(200, c:get("/").status)
  end)
end)
