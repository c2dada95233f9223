local client = require "support.client"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local h2_server = require "support.h2_server"
local neap = require "support.neap"
local proxied = require "support.proxied"

-- Neap before a backend that speaks HTTP/2; the hook asks for so much, at most.
local function start(handler, max)
  local web = h2_server.start { handler = handler }
  return neap.start { config = ([[return {
    services = { { listen = "127.0.0.1:0", pool = "p", limits = { hook_body_bytes = 1000000 },
      policy = {
        response = function(_, _, response)
          require("neap").log.info "asks"
          local body, why = response:body(%s)
          response:set_header("x-seen", body and #body .. body:sub(-8) or why)
        end,
        failed = function(_, _, failure)
          require("neap").log.info("failed %%s %%s", failure.stage, failure.kind)
          return "fail"
        end,
      } } },
    pools = { p = { backends = { "%s" }, health = { type = "none" }, http2 = true } },
  }]]):format(max or "", web.url) }
end

-- What a client of each protocol gets.
local function each(n)
  local c = h2_client.connect(n.address)
  local one = c:answer(c:request({}))
  local two = client.get(n.address, "/")
  return { { one.headers["x-seen"], one.body }, { two.headers["x-seen"], two.body } }
end

describe("response:body over HTTP/2", function()
  it("gathers DATA, with a length or without, and the trailers end it", function()
    for _, fields in ipairs { {}, { { "content-length", "5" } } } do
      local n = start(function(h2, stream)
        h2:head(stream.id, { { ":status", "200" }, unpack(fields) })
        h2:data(stream.id, "hel")
        h2.conn:wait(0.03)
        h2:data(stream.id, "lo")
        h2:head(stream.id, { { "x-a", "1" } }, { end_stream = true })
      end)
      for _, got in ipairs(each(n)) do assert.same({ "5hello", "hello" }, got) end
    end
  end)

  it("opens the stream's window for all that was asked for", function()
    local body = proxied.pattern(900000)
    local n = start(function() return { body = body } end)
    for _, got in ipairs(each(n)) do
      assert.equal("900000" .. body:sub(-8), got[1])
      assert.is_true(got[2] == body)
    end
  end)

  it("passes on what is longer", function()
    local body = proxied.pattern(2000000)
    for _, headers in ipairs { {}, { { "content-length", "2000000" } } } do
      local n = start(function() return { body = body, headers = headers } end, 100000)
      for _, got in ipairs(each(n)) do
        assert.equal("too long", got[1])
        assert.is_true(got[2] == body)
      end
    end
  end)

  it("is \"\" of an answer without a body", function()
    local n = start(function() return { status = 204 } end)
    for _, got in ipairs(each(n)) do assert.same({ "0", "" }, got) end
  end)

  it("fails with its stream", function()
    local n = start(function(h2, stream)
      h2:head(stream.id, { { ":status", "200" } })
      h2:data(stream.id, "half")
      h2.conn:wait(0.03)
      h2:send(frames.reset(stream.id, 2))
    end)
    local c = h2_client.connect(n.address)
    assert.equal("502", tostring(c:answer(c:request({})).status))
    n:wait_log "failed body reset"
  end)

  it("stops no other stream while it waits", function()
    local n = start(function(h2, stream)
      if stream.fields[":path"] == "/quick" then return "quick" end
      h2:head(stream.id, { { ":status", "200" } })
      h2:data(stream.id, "slow")
    end)
    local c = h2_client.connect(n.address)
    c:request({ [":path"] = "/slow" })
    n:wait_log "asks"
    assert.equal("quick", c:get("/quick").body)
  end)
end)
