-- Answers that are whole before their request is: they reach clients that still send the body,
-- which is read and dropped meanwhile (RFC 9113 §8.1).
local h2_client = require "support.h2_client"
local https = require "support.https"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local REFUSING = [[policy = { request = function(r)
  if r.path == "/forbidden" then return require "neap".reply { status = 403, body = "no" } end
end },]]

local POST = { [":method"] = "POST", [":path"] = "/forbidden" }

-- A request whose answer came while its body goes on.
local function answered(c)
  local id = c:request(POST, { open = true })
  c:wait(function() return c:stream(id).ended end)
  assert.equal("403", c:stream(id).fields[":status"])
  return id
end

local function start(more)
  return proxied.start(function() return "hello" end, REFUSING .. (more or ""))
end

describe("An early answer to an upload", function()
  local function reaches_curl(more, status)
    local n = https.start(function() return "hello" end, more)
    local file = scope.directory() .. "/up"
    for _, size in ipairs { 66000, 5000000 } do
      scope.write(file, ("x"):rep(size))
      for _ = 1, 3 do
        local code, out, err = process.run { argv = { "curl", "-sSk", "--http2", "--max-time", "50",
          "-o", "/dev/null", "-w", "%{http_code} %{http_version}", "-T", file,
          ("https://localhost:%d/forbidden"):format(n.port) }, limit = 60 }
        assert.same({ 0, status .. " 2", "" }, { code, out, err })
      end
    end
  end

  it("reaches curl: a policy's 403", function() reaches_curl(REFUSING, "403") end)

  it("reaches curl: 413", function() reaches_curl("limits = { body_bytes = 1000 },", "413") end)

  it("goes before the end of the body, which is taken in full windows and not reset", function()
    local c = h2_client.connect(start().address)
    local id = answered(c)
    assert.is_true(c:send_body(id, ("x"):rep(3000000)))
    assert.is_true(c:ping())
    assert.is_nil(c:stream(id).reset)
    assert.equal("hello", c:get("/").body)
  end)

  it("lets the client leave out the rest, and may be followed by trailers", function()
    local c = h2_client.connect(start().address)
    local id = c:request({ [":method"] = "POST", [":path"] = "/forbidden",
      ["content-length"] = "900" }, { open = true })
    c:wait(function() return c:stream(id).ended end)
    c:data(id, "some")
    c:head(id, { { "x-sum", "1" } }, { end_stream = true })
    assert.is_true(c:ping())
    assert.is_nil(c:stream(id).reset)
    assert.equal("hello", c:get("/").body)
  end)

  it("is followed by a reset without error when the client neither sends nor ends", function()
    local c = h2_client.connect(start().address)
    local id = answered(c)
    assert.is_nil(c:stream(id).reset)
    c:wait(function() return c:stream(id).reset end)
    assert.equal("NO_ERROR", c:stream(id).reset)
    assert.equal("hello", c:get("/").body)
  end)

  it("is followed by a reset when the client sends for longer than timeouts.linger", function()
    local c = h2_client.connect(start("timeouts = { linger = 1 },").address)
    local id = answered(c)
    while not c:stream(id).reset do
      c:data(id, "x")
      assert.equal("hello", c:get("/").body)
    end
    assert.equal("NO_ERROR", c:stream(id).reset)
  end)

  it("is followed by a reset when too much is sent", function()
    local c = h2_client.connect(start().address)
    local id = answered(c)
    local ok, why = c:send_body(id, ("x"):rep(20000000), { end_stream = false })
    assert.same({ nil, "NO_ERROR" }, { ok, why })
    assert.equal("hello", c:get("/").body)
  end)

  it("counts as a stream until the client or neap ended it", function()
    local c = h2_client.connect(start("limits = { streams = 2 },").address)
    local first, second = answered(c), answered(c)
    assert.equal("reset REFUSED_STREAM", c:outcome(c:request {}))
    c:data(first, "", { end_stream = true })
    assert.equal("hello", c:get("/").body)
    c:data(second, "", { end_stream = true })
    assert.equal("hello", c:get("/").body)
  end)

  it("may be left by a reset, or with the connection", function()
    local n = start()
    local c = h2_client.connect(n.address)
    local id = answered(c)
    c:send(h2_client.frames.reset(id, h2_client.frames.ERROR.CANCEL))
    assert.equal("hello", c:get("/").body)
    answered(c)
    c:close()
    assert.equal("hello", h2_client.connect(n.address):get("/").body)
  end)
end)
