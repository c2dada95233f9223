-- The raw-frame peers of these specs, against peers of others: what they say is HTTP/2 indeed.
local eventually = require "support.eventually"
local h2_client = require "support.h2_client"
local h2_server = require "support.h2_server"
local hpack = require "support.hpack"
local frames = require "support.h2_frames"
local nghttpd = require "support.nghttpd"
local pki = require "support.pki"
local process = require "support.process"

describe("The raw-frame client", function()
  it("gets an answer of nghttpd, in the clear and over TLS", function()
    for _, tls in ipairs { false, true } do
      local s = nghttpd.start { tls = tls, files = { ["page"] = "hello" } }
      local c = h2_client.connect(s.address, { tls = tls })
      local answer = c:get "/page"
      assert.equal(200, answer.status)
      assert.equal("hello", answer.body)
      assert.is_true(c:ping())
      assert.equal(tls and "h2" or nil, c.tls and c.tls.alpn)
    end
  end)

  it("takes a body as large as no window, and tells what ended a stream or a connection", function()
    local s = nghttpd.start { files = { page = ("x"):rep(300000) } }
    local c = h2_client.connect(s.address)
    assert.equal(300000, #c:get("/page").body)
    local id = c:request({ ["Upper"] = "case" })
    assert.equal("reset PROTOCOL_ERROR", c:outcome(id))
    c:send(frames.data(0, "on no stream"))
    assert.equal("goaway PROTOCOL_ERROR", c:fate())
  end)
end)

describe("The raw-frame backend", function()
  local function curl(o, ...)
    local argv = { "curl", "-sSk", "--max-time", "20", ... }
    table.insert(argv, o.url .. "/a?b")
    local code, out, err = process.run { argv = argv, limit = 30 }
    assert(code == 0, err)
    return out
  end

  it("serves curl, in the clear and over TLS", function()
    local cert = pki.self_signed { names = { "localhost" }, ips = { "127.0.0.1" } }
    for _, tls in ipairs { false, { certificate = cert.pem_path, key = cert.key_path } } do
      local o = h2_server.start { name = "web1", tls = tls }
      local out = curl(o, tls and "--http2" or "--http2-prior-knowledge", "-w", "|%{http_version}")
      assert.equal("web1|2", out)
      local stream = eventually(function() return o:streams()[1] end)
      assert.equal("/a?b", stream.fields[":path"])
      assert.equal(tls and "https" or "http", stream.fields[":scheme"])
      assert.is_true(stream.ended)
    end
  end)

  it("takes and sends bodies larger than the windows, with trailers", function()
    local o = h2_server.start {
      handler = function(h2, stream)
        return {
          status = 201, headers = { { "x-length", tostring(#h2:whole(stream)) } },
          body = ("y"):rep(300000), trailers = { { "x-sum", "1" } },
        }
      end,
    }
    local c = h2_client.connect(o.address)
    local answer = c:answer(c:request({ [":method"] = "POST" }, {
      body = ("z"):rep(200000), trailers = { { "x-end", "2" } },
    }))
    assert.equal(201, answer.status)
    assert.equal("200000", answer.headers["x-length"])
    assert.equal(300000, #answer.body)
    assert.equal("1", answer.trailers["x-sum"])
    local stream = eventually(function() return o:streams()[1] end)
    assert.equal("2", stream.trailers["x-end"])
  end)
end)

describe("HPACK of the specs", function()
  it("is read by another decoder, in each of its forms", function()
    local decoder = hpack.decoder()
    local list = decoder:decode(hpack.block {
      hpack.table_size(4096), hpack.indexed(2), hpack.incremental("x-a", ("1"):rep(200)),
      hpack.never(4, "/x"), { "x-b", "" }, hpack.indexed(62),
    })
    assert.same({ ":method", "GET" }, list[1])
    assert.equal("/x", list[":path"])
    assert.equal("", list["x-b"])
    assert.same({ "x-a", ("1"):rep(200) }, list[5])
    assert.has_error(function() decoder:decode(hpack.indexed(70)) end)
    local e = hpack.encoder()
    assert.equal("value", hpack.decoder():decode(e:encode { { "name", "value" } }).name)
  end)
end)

