-- Clients of HTTP/2 that mean harm, or stop in the middle of something: what they began ends, and
-- nothing is left of it.
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local hpack = require "support.hpack"
local proxied = require "support.proxied"

local POLICY = [[ policy = { request = function(request)
  if request.path == "/no" then return require("neap").reply { status = 403, body = "no" } end
  if request.path == "/wait" then require("neap").sleep(1) end
end }, ]]

local function start(more) return (proxied.start(function() return "x" end, POLICY .. more)) end

describe("A stream that neap ended before its client did", function()
  it("does not count against limits.streams any more: early answers", function()
    local c = h2_client.connect(start("limits = { streams = 10 }").address)
    for i = 1, 30 do
      local id = c:request({ [":method"] = "POST", [":path"] = "/no" }, { open = true })
      assert.equal(403, c:answer(id).status, i)
      c:wait(function() return c:stream(id).reset end)
    end
    assert.equal("x", c:get("/").body)
  end)

  it("does not count against limits.streams any more: malformed requests", function()
    local c = h2_client.connect(start("limits = { streams = 10 }").address)
    for i = 1, 30 do
      assert.equal("reset PROTOCOL_ERROR", c:outcome(c:request { Upper = "x" }), i)
    end
    assert.equal("x", c:get("/").body)
  end)
end)

describe("Trailers that do not come to their end", function()
  local function half_trailers(path)
    local n = start "timeouts = { client_header = 0.3 }"
    local c = h2_client.connect(n.address)
    local id = c:request({ [":method"] = "POST", [":path"] = path }, { open = true })
    c:data(id, "hello")
    c:ping()
    c:send(frames.headers(id, "\x82", { end_headers = false }))
    assert.is_true(c:closed())
    eventually.always(function() return n:alive() end, 1.5)
    assert.equal("x", h2_client.connect(n.address):get("/").body)
  end

  it("end the connection while a hook waits", function() half_trailers "/wait" end)

  it("end the connection while the body is awaited", function() half_trailers "/" end)
end)

describe("A client that takes nothing of what is sent", function()
  it("is closed, although what is said last does not go out", function()
    local n = proxied.start(function() return ("x"):rep(2000000) end, [[
      keepalive = { connections = 0 }, timeouts = { client_idle = 0.5, client_header = 0.5,
      stream_idle = 2, linger = 0.5 }]])
    local before = proxied.count_fds(n)
    local first = { "INITIAL_WINDOW_SIZE", 2 ^ 31 - 1 }
    local c = h2_client.connect(n.address, { settings = { first } })
    c:send(frames.window(0, 2 ^ 31 - 1 - 65535))
    for _ = 1, 40 do c:request {} end
    eventually(function() return proxied.count_fds(n) > before + 1 end)
    eventually(function() return proxied.count_fds(n) <= before end, 30)
  end)

  it("cannot make neap keep more and more answers for it", function()
    local n = proxied.start(function() return ("x"):rep(8000000) end)
    n:allow "HTTP/2 connection of"
    local first = { "INITIAL_WINDOW_SIZE", 2 ^ 31 - 1 }
    local c = h2_client.connect(n.address, { settings = { first }, timeout = 2 })
    c:send(frames.window(0, 2 ^ 31 - 1 - 65535))
    for _ = 1, 5 do c:request {} end
    eventually.always(function() return n:alive() end, 2) -- all that the sockets take is sent
    local block = hpack.block(h2_client.fields { Upper = "x" })
    pcall(function()
      for i = 5, 100000 do
        if not c:send(frames.headers(2 * i + 1, block, { end_stream = true })) then break end
      end
    end)
    n:wait_log "too many made_resets"
    assert.equal(200, h2_client.connect(n.address):get("/").status)
  end)
end)
