-- HTTP/2 on both sides, and from HTTP/2 to HTTP/1.1.
local behind = require "support.behind"
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local proxied = require "support.proxied"

local BODY = proxied.pattern(200000)

describe("HTTP/2 on both sides", function()
  it("carries bodies and trailers both ways", function()
    local n, o = behind.start(function(h2, stream)
      local body = h2:whole(stream)
      return { body = body, trailers = { { "x-length", tostring(#body) } } }
    end)
    local c = h2_client.connect(n.address)
    local id = c:request({ [":method"] = "POST", te = "trailers" },
      { body = BODY, trailers = { { "x-sum", "7" } } })
    local answer = c:answer(id)
    assert.equal(200, answer.status)
    assert.is_true(answer.body == BODY)
    assert.equal("200000", answer.trailers["x-length"])
    local stream = behind.stream(o)
    assert.equal("7", stream.trailers["x-sum"])
    assert.equal("trailers", stream.fields.te)
    assert.equal("a.test", stream.fields[":authority"])
    assert.is_nil(stream.fields["transfer-encoding"])
    assert.is_nil(answer.headers["transfer-encoding"])
  end)

  it("carries a conversation, a message at a time", function()
    local n = behind.start {
      connection = function(h2)
        h2:begin()
        h2.io:read(#frames.PREFACE)
        local stream = h2:accept()
        h2:head(stream.id, { { ":status", "200" } })
        for i = 1, 5 do
          h2:wait(function() return h2:body_of(stream.id):find("<" .. i .. ">", 1, true) end)
          h2:data(stream.id, "[" .. i .. "]")
        end
        h2:wait(function() return stream.ended end)
        h2:head(stream.id, { { "grpc-status", "0" } }, { end_stream = true })
        h2:wait(function() return false end)
      end,
    }
    local c = h2_client.connect(n.address)
    local id = c:request({ [":method"] = "POST" }, { open = true })
    for i = 1, 5 do
      c:data(id, "<" .. i .. ">")
      c:wait(function() return c:body_of(id):find("[" .. i .. "]", 1, true) end, "its answer")
    end
    c:data(id, "", { end_stream = true })
    assert.equal("0", c:answer(id).trailers["grpc-status"])
  end)

  it("tells an answer without a body by its head alone", function()
    local n = behind.start(function() return { headers = { { "grpc-status", "5" } } } end)
    local c = h2_client.connect(n.address)
    local answer = c:get "/"
    assert.same({ 200, "", "5" }, { answer.status, answer.body, answer.headers["grpc-status"] })
  end)

  it("tells that an answer broke off", function()
    local n = behind.start(function(h2, stream)
      h2:head(stream.id, { { ":status", "200" } })
      h2:data(stream.id, "abc")
      h2:ping()
      h2:send(frames.reset(stream.id, 2))
    end)
    local c = h2_client.connect(n.address)
    assert.equal("INTERNAL_ERROR", c:get("/").reset)
    assert.equal("INTERNAL_ERROR", c:get("/").reset)
  end)

  it("ends the backend's stream with the client's", function()
    local n, o = behind.start(function(h2, stream)
      h2:head(stream.id, { { ":status", "200" } })
      h2:wait(function() return stream.reset end)
    end)
    local c = h2_client.connect(n.address)
    local id = c:request {}
    c:wait(function() return c:stream(id).fields end, "its head")
    c:send(frames.reset(id, frames.ERROR.CANCEL))
    assert.equal("CANCEL", behind.stream(o).reset)
    assert.equal(1, o:open_connections())
  end)

  it("passes on 1xx and early answers", function()
    local n, o = behind.start(function(h2, stream)
      if stream.fields[":method"] == "GET" then return "ok" end
      h2:head(stream.id, { { ":status", "103" }, { "link", "</a>" } })
      h2:head(stream.id, { { ":status", "413" } }, { end_stream = true })
      h2:send(frames.reset(stream.id, 0))
    end)
    local c = h2_client.connect(n.address)
    local id = c:request({ [":method"] = "POST" }, { open = true })
    local answer = c:answer(id)
    assert.same({ 413, "</a>" }, { answer.status, answer.interim[1].link })
    assert.equal("ok", c:get("/").body)
    assert.equal(1, o:connections())
  end)

  it("holds up nobody but the stream that is not read", function()
    local n = behind.start(function(h2, stream)
      if stream.fields[":path"] == "/small" then return "small" end
      h2:head(stream.id, { { ":status", "200" } })
      local pieces = 0
      while stream.window > 0 and h2.window > 0 and pieces < 1000 do
        local size = math.min(16384, stream.window, h2.window)
        h2:send(frames.data(stream.id, ("x"):rep(size)))
        stream.window, h2.window, pieces = stream.window - size, h2.window - size, pieces + 1
      end
    end)
    local c = h2_client.connect(n.address,
      { keeps_windows = true, settings = { { "INITIAL_WINDOW_SIZE", 100 } } })
    local id = c:request { [":path"] = "/large" }
    c:wait(function() return #c:body_of(id) == 100 end, "what its window takes")
    for _ = 1, 5 do assert.equal("small", c:get("/small").body) end
    assert.equal(100, #c:body_of(id))
  end)
end)

describe("HTTP/2 before HTTP/1.1", function()
  it("sends a body without a length in chunks, with its trailers", function()
    local n, web = proxied.start(function(conn) return (conn:read_body()) end)
    local c = h2_client.connect(n.address)
    local id = c:request({ [":method"] = "POST" }, { body = BODY, trailers = { { "x-sum", "7" } } })
    assert.is_true(c:answer(id).body == BODY)
    local request = eventually(function() return web:requests()[1] end)
    assert.equal("chunked", request.headers["transfer-encoding"])
    assert.equal("7", request.trailers["x-sum"])
  end)

  it("gets trailers of an answer in chunks apart", function()
    local n = proxied.start { connection = function(conn)
      while conn:read_request() do
        conn:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          .. proxied.chunked({ "hello", " world" }, "Grpc-Status: 0\r\nX-B: 2\r\n"))
      end
    end }
    local c = h2_client.connect(n.address)
    for _ = 1, 2 do
      local answer = c:get "/"
      assert.same({ "hello world", "0", "2" },
        { answer.body, answer.trailers["grpc-status"], answer.trailers["x-b"] })
    end
  end)
end)
