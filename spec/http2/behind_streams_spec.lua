-- Streams and connections to backends of HTTP/2: how many, which of them, and what follows from
-- their ends.
local behind = require "support.behind"
local client = require "support.client"
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local h2_server = require "support.h2_server"

local POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"

local function send(n, text)
  local c = client.connect(n.address)
  c:send(text)
  return c
end

-- Opens streams without an answer until so many have come; answers them in reverse order.
local function in_reverse(count, options)
  options = options or {}
  options.connection = function(h2)
    h2:begin()
    h2.io:read(#frames.PREFACE)
    local list = {}
    while true do
      local stream = h2:accept()
      if not stream then return end
      table.insert(list, stream)
      if #list == count then
        for i = count, 1, -1 do
          h2:respond(list[i], { body = list[i].fields[":path"] })
          h2:record(list[i])
        end
        list = {}
      end
    end
  end
  return options
end

describe("streams to a backend of HTTP/2", function()
  it("are on their way at the same time", function()
    local n, o = behind.start(in_reverse(20))
    local clients = {}
    for i = 1, 20 do clients[i] = send(n, "GET /" .. i .. " HTTP/1.1\r\nHost: a\r\n\r\n") end
    for i = 1, 20 do assert.equal("/" .. i, clients[i]:read_response().body) end
    assert.equal(1, o:connections())
  end)

  it("are as many as the backend allows; then another connection is dialled", function()
    local n, o = behind.start {
      settings = { { "MAX_CONCURRENT_STREAMS", 2 } },
      connection = function(h2)
        h2:begin()
        h2.io:read(#frames.PREFACE)
        while true do
          local stream = h2:accept()
          if not stream then return end
          if stream.fields[":path"] == "/held" then
            h2:head(stream.id, { { ":status", "103" } })
          else
            h2:respond(stream, { body = tostring(h2.conn.id) })
          end
        end
      end,
    }
    for _ = 1, 2 do
      local c = send(n, "GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
      assert.matches("103", c:receive_until "\r\n\r\n")
    end
    for _ = 1, 3 do assert.equal("2", n:get("/").body) end
    assert.equal(2, o:connections())
  end)

  it("follow a limit that changes", function()
    local n, o = behind.start {
      settings = { { "MAX_CONCURRENT_STREAMS", 100 } },
      handler = function(h2)
        h2:send(frames.settings { { "MAX_CONCURRENT_STREAMS", 1 } })
        return "ok"
      end,
    }
    for _ = 1, 5 do assert.equal("ok", n:get("/").body) end
    assert.equal(1, o:connections())
  end)

  it("that were refused are begun again, whatever the request", function()
    local n, o = behind.start(function(h2, stream)
      if stream.id == 1 then
        h2:send(frames.reset(stream.id, frames.ERROR.REFUSED_STREAM))
        return
      end
      return h2:whole(stream)
    end)
    assert.equal("hello", client.request(n.address, POST).body)
    assert.equal(1, o:connections())
    assert.equal(0, n:count_log "failed")
  end)

  it("that are always refused are a failure", function()
    local n = behind.start(function(h2, stream)
      h2:send(frames.reset(stream.id, frames.ERROR.REFUSED_STREAM))
    end)
    assert.equal(502, client.request(n.address, POST).status)
    n:wait_log "the backend refused the stream"
  end)

  it("above the last one of a GOAWAY are begun again on another connection", function()
    local n, o = behind.start(function(h2, stream)
      if h2.conn.id == 1 and stream.id == 3 then
        h2:send(frames.goaway(1, 0))
        return
      end
      return { body = h2.conn.id .. " " .. stream.id .. " " .. (h2:whole(stream) or "") }
    end)
    assert.equal("1 1 ", n:get("/").body)
    assert.equal("2 1 hello", client.request(n.address, POST).body)
    assert.equal("2 3 ", n:get("/").body)
    assert.equal(2, o:connections())
  end)

  it("at or below it end well, and no new one is begun", function()
    local n, o = behind.start(function(h2, stream)
      if h2.conn.id == 1 then h2:send(frames.goaway(stream.id, 0)) end
      return { body = ("%d"):format(h2.conn.id) }
    end)
    assert.equal("1", n:get("/").body)
    assert.equal("2", n:get("/").body)
    assert.equal("2", n:get("/").body)
    assert.equal(2, o:connections())
    eventually(function() return o:open_connections() == 1 end)
  end)

  it("of a POST that was taken are not begun again", function()
    local n, o = behind.start(function(h2, stream)
      h2:whole(stream)
      h2.conn:close()
    end)
    assert.equal(502, client.request(n.address, POST).status)
    assert.equal("hello", behind.stream(o).body)
    assert.equal(1, #o:streams())
  end)

  it("of a GET whose connection had ended are begun again", function()
    local n, o = behind.start(function(h2, stream)
      if h2.conn.id == 1 and stream.id == 3 then
        h2.conn:close()
        return
      end
      return { body = ("%d"):format(h2.conn.id) }
    end)
    assert.equal("1", n:get("/").body)
    assert.equal("2", n:get("/").body)
    assert.equal(2, o:connections())
  end)

  it("count as requests in flight, each of them", function()
    local web1 = h2_server.start(in_reverse(4))
    local web2 = h2_server.start(in_reverse(4))
    local n = behind.before({ web1, web2 }, 'policy = "least_connections"')
    local clients = {}
    for i = 1, 8 do clients[i] = send(n, "GET /" .. i .. " HTTP/1.1\r\nHost: a\r\n\r\n") end
    for i = 1, 8 do assert.equal("/" .. i, clients[i]:read_response().body) end
    assert.equal(1, web1:connections())
    assert.equal(1, web2:connections())
  end)

  it("end when their client leaves", function()
    local n, o = behind.start(function(h2, stream)
      h2:head(stream.id, { { ":status", "103" } })
      local ok, why = h2:wait(function() return stream.reset end)
      assert(ok, why)
    end)
    local c = send(n, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert.matches("103", c:receive_until "\r\n\r\n")
    c:close()
    assert.equal("CANCEL", behind.stream(o).reset)
    assert.equal(1, o:open_connections())
  end)
end)
