local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local origin = require "support.origin"
local proxied = require "support.proxied"

local ASKS = [[policy = {
  request = function(request)
    require("neap").log.info("asks %%s", request.path)
    local body, why = request:body(%s)
    request:set_header("x-seen", body and #body .. body:sub(-8):gsub("%%z", ".") or why)
  end,
},]]

local function echo(conn, request)
  local body = conn:read_body()
  return request.headers["x-seen"] .. " " .. #body .. body:sub(-8)
end

local function start(max, more)
  local web = origin.start { handler = echo }
  return proxied.before({ web }, ASKS:format(max or "") .. (more or "")), web
end

local POST = { [":method"] = "POST" }

describe("request:body over HTTP/2", function()
  it("gathers DATA, and the trailers end it", function()
    local n = start()
    local c = h2_client.connect(n.address)
    local id = c:request(POST, { open = true })
    n:wait_log "asks"
    c:data(id, "hel")
    c:data(id, "lo")
    c:head(id, { { "x-a", "1" } }, { end_stream = true })
    assert.equal("5hello 5hello", c:answer(id).body)
    assert.equal("0 0", c:get("/").body)
  end)

  it("opens the stream's window for all that was asked for", function()
    local n = start(300000, "limits = { hook_body_bytes = 300000 },")
    local c = h2_client.connect(n.address)
    local body = proxied.pattern(300000)
    local id = c:request(POST, { body = body })
    local seen = "300000" .. body:sub(-8)
    assert.equal(seen .. " " .. seen, c:answer(id).body)
  end)

  it("passes on what is longer", function()
    local n = start()
    local c = h2_client.connect(n.address)
    local body = proxied.pattern(1000000)
    local id = c:request(POST, { body = body })
    assert.equal("too long 1000000" .. body:sub(-8), c:answer(id).body)
    id = c:request({ [":method"] = "POST", { "content-length", "1000000" } }, { body = body })
    assert.equal("too long 1000000" .. body:sub(-8), c:answer(id).body)
  end)

  it("stops no other stream while it waits", function()
    local n = start()
    local c = h2_client.connect(n.address)
    local first = c:request({ [":method"] = "POST", [":path"] = "/first" }, { open = true })
    n:wait_log "asks /first"
    c:send_body(first, ("x"):rep(60000), { end_stream = false })
    for _ = 1, 3 do
      local body = proxied.pattern(60000)
      local seen = "60000" .. body:sub(-8)
      assert.equal(seen .. " " .. seen, c:answer(c:request(POST, { body = body })).body)
    end
    c:data(first, "the end.", { end_stream = true })
    assert.equal("60008the end. 60008the end.", c:answer(first).body)
  end)

  it("ends with a client that resets its stream", function()
    local n, web = start()
    local c = h2_client.connect(n.address)
    local id = c:request({ [":method"] = "POST", [":path"] = "/first" }, { open = true })
    n:wait_log "asks /first"
    c:send(frames.reset(id, frames.ERROR.CANCEL))
    assert.equal("0 0", c:get("/").body)
    assert.equal(1, #web:requests())
  end)

  it("answers 408 when a stream's body stalls, and the connection goes on", function()
    local n = start("", "timeouts = { client_body = 0.2 },")
    local c = h2_client.connect(n.address)
    local id = c:request(POST, { open = true })
    c:data(id, "he")
    assert.equal(408, c:answer(id).status)
    assert.equal("0 0", c:get("/").body)
  end)

  it("gives the message of a unary call with its prefix", function()
    local n = start()
    local c = h2_client.connect(n.address)
    local message = "\0\0\0\0Bhi"
    local id = c:request({ [":method"] = "POST", { "content-type", "application/grpc" },
      { "te", "trailers" } }, { body = message })
    assert.equal("7....Bhi 7" .. message, c:answer(id).body)
  end)
end)
