-- RFC 9113: clients of HTTP/1.1 and backends of HTTP/2.
local behind = require "support.behind"
local client = require "support.client"
local proxied = require "support.proxied"

local function ask(n, head, body)
  return client.request(n.address, head:gsub("\n", "\r\n") .. "\r\n" .. (body or ""))
end

describe("a request to a backend of HTTP/2", function()
  it("becomes fields, without what belongs to a connection of HTTP/1", function()
    local n, o = behind.start()
    local answer = ask(n, [[
GET /a/b?c=d HTTP/1.1
Host: example.org
X-One: 1
x-two: a
X-Two: b
Cookie: a=1; b=2
Connection: keep-alive, X-Gone
X-Gone: 1
Keep-Alive: timeout=5
TE: trailers, deflate
Upgrade: h2c
]])
    assert.equal(200, answer.status)
    assert.equal("origin", answer.body)
    local fields = behind.stream(o).fields
    assert.equal("GET", fields[":method"])
    assert.equal("/a/b?c=d", fields[":path"])
    assert.equal("http", fields[":scheme"])
    assert.equal("example.org", fields[":authority"])
    assert.equal("1", fields["x-one"])
    assert.equal("a=1; b=2", fields.cookie)
    assert.equal("trailers", fields.te)
    assert.equal("127.0.0.1", fields["x-forwarded-for"])
    for _, name in ipairs { "host", "connection", "x-gone", "keep-alive", "upgrade",
      "transfer-encoding" } do
      assert.is_nil(fields[name], name)
    end
    local two = {}
    for _, field in ipairs(fields) do
      assert.equal(field[1]:lower(), field[1])
      if field[1] == "x-two" then table.insert(two, field[2]) end
    end
    assert.same({ "a", "b" }, two)
  end)

  it("says te only if its client did", function()
    local n, o = behind.start()
    assert.equal(200, n:get("/").status)
    assert.is_nil(behind.stream(o).fields.te)
  end)

  it("brings a body that has a length", function()
    local n, o = behind.start()
    local body = proxied.pattern(300000)
    assert.equal(200, ask(n, "POST / HTTP/1.1\nHost: a\nContent-Length: 300000\n", body).status)
    local stream = behind.stream(o)
    assert.equal("300000", stream.fields["content-length"])
    assert.equal(300000, stream.length)
    assert.equal(body:sub(1, 65536), stream.body)
    assert.is_true(stream.ended)
  end)

  it("brings one in chunks, with its trailers", function()
    local n, o = behind.start()
    local coded = proxied.chunked({ "hello", ", ", "world" }, "X-Sum: 5\r\nX-More: 6\r\n")
    local head = "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n"
    assert.equal(200, ask(n, head, coded).status)
    local stream = behind.stream(o)
    assert.equal("hello, world", stream.body)
    assert.is_nil(stream.fields["content-length"])
    assert.same({ ["x-sum"] = "5", ["x-more"] = "6" },
      { ["x-sum"] = stream.trailers["x-sum"], ["x-more"] = stream.trailers["x-more"] })
  end)

  it("brings a large one in chunks, which come slowly", function()
    local n, o = behind.start(function(h2, stream)
      return tostring(#assert(h2:whole(stream)))
    end)
    local c = client.connect(n.address)
    c:send "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ = 1, 40 do c:send(proxied.chunked({ ("x"):rep(10000) }):gsub("0\r\n\r\n$", "")) end
    c:send "0\r\n\r\n"
    assert.equal("400000", c:read_response().body)
    assert.equal(1, o:connections())
  end)

  it("shares its connection with others", function()
    local n, o = behind.start()
    local c = client.connect(n.address)
    for _ = 1, 5 do assert.equal(200, c:request("GET", "/").status) end
    for _ = 1, 5 do assert.equal(200, n:get("/").status) end
    assert.equal(1, o:connections())
    local ids = {}
    for i, stream in ipairs(o:streams()) do ids[i] = stream.stream end
    assert.same({ 1, 3, 5, 7, 9, 11, 13, 15, 17, 19 }, ids)
  end)
end)

describe("an answer from a backend of HTTP/2", function()
  local function answers(answer)
    return behind.start(function() return answer end)
  end

  it("keeps its length, or is sent in chunks", function()
    local n = answers { headers = { { "content-length", "5" }, { "x-a", "1" } }, body = "hello" }
    local got = n:get "/"
    assert.same({ "hello", "5", "1", "OK" },
      { got.body, got.headers["content-length"], got.headers["x-a"], got.reason })
    assert.is_nil(got.headers["transfer-encoding"])
    n = answers { body = "hello" }
    got = n:get "/"
    assert.same({ "hello", "chunked" }, { got.body, got.headers["transfer-encoding"] })
    got = client.request(n.address, "GET / HTTP/1.0\r\n\r\n")
    assert.same({ "hello", true }, { got.body, got.until_close })
  end)

  it("brings its trailers", function()
    local n = answers { body = "hello", trailers = { { "grpc-status", "0" }, { "x-b", "2" } } }
    local got = n:get "/"
    assert.equal("hello", got.body)
    assert.same({ "0", "2" }, { got.trailers["grpc-status"], got.trailers["x-b"] })
    got = client.request(n.address, "GET / HTTP/1.0\r\n\r\n")
    assert.same({ "hello", true }, { got.body, got.until_close })
  end)

  it("may be large", function()
    local body = proxied.pattern(3000000)
    local n = answers { body = body }
    assert.is_true(n:get("/").body == body)
  end)

  it("may have no body", function()
    local n, o = behind.start(function(_, stream)
      if stream.fields[":method"] == "HEAD" then
        return { headers = { { "content-length", "1000" } } }
      end
      return { status = tonumber(stream.fields[":path"]:sub(2)),
        headers = stream.fields[":path"] == "/304" and { { "content-length", "7" } } or {} }
    end)
    local c = client.connect(n.address)
    c:send "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    local head = c:read_response { head = true }
    assert.same({ 200, "1000" }, { head.status, head.headers["content-length"] })
    for _, status in ipairs { 204, 304 } do
      local got = c:request("GET", "/" .. status)
      assert.same({ status, "" }, { got.status, got.body })
    end
    assert.equal(200, c:request("GET", "/200").status)
    assert.equal(1, o:connections())
  end)

  it("may be preceded by others", function()
    local n = behind.start(function(h2, stream)
      h2:head(stream.id, { { ":status", "103" }, { "link", "</a>" } })
      h2:head(stream.id, { { ":status", "103" }, { "link", "</b>" } })
      return { body = "hello" }
    end)
    local got = n:get "/"
    assert.same({ 200, "hello", 2 }, { got.status, got.body, #got.interim })
    assert.equal("</b>", got.interim[2].headers.link)
  end)

  it("may come before the end of the request", function()
    local n, o = behind.start(function(h2, stream)
      h2:head(stream.id, { { ":status", "403" } }, { end_stream = true })
      h2:send(require("support.h2_frames").reset(stream.id, 0))
    end)
    local c = client.connect(n.address)
    c:send "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    assert.equal(403, c:read_response().status)
    assert.equal(403, n:get("/").status)
    assert.equal(1, o:connections())
  end)
end)
