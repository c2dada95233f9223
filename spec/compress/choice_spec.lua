local compressed = require "support.compressed"

local TEXT = compressed.text(5000)

local function serve(_, request)
  local type_of = request.target:match "type=([^&]+)" or "text/plain"
  local size = tonumber(request.target:match "size=(%d+)") or #TEXT
  return { headers = { ["Content-Type"] = type_of }, body = TEXT:sub(1, size) }
end

-- What it was sent as; the body is always the whole text.
local function coding(n, path, accept)
  local answer = compressed.get(n, path, { accept = accept })
  assert.equal(0, answer.code)
  assert.equal(TEXT:sub(1, #answer.body), answer.body)
  return answer.headers["content-encoding"] or "none", #answer.body, answer.headers["vary"]
end

describe("compress", function()
  it("gives each client the coding that it wants most; of equals, the first of the list", function()
    local n = compressed.start(serve)
    for accept, want in pairs {
      ["gzip"] = "gzip", ["br"] = "br", ["zstd"] = "zstd", ["GZIP"] = "gzip", ["x-gzip"] = "gzip",
      ["gzip, deflate, br, zstd"] = "zstd", ["gzip, br"] = "br",
      ["gzip;q=1, br;q=0.5, zstd;q=0.2"] = "gzip", ["zstd; q=0.8 , br;q=0.9"] = "br",
      ["*"] = "zstd", ["*;q=0.1, gzip"] = "gzip", ["zstd;q=0, *"] = "br",
      ["gzip;q=0"] = "none", ["gzip;q=0.000, *;q=0"] = "none", ["deflate"] = "none",
      ["identity"] = "none", ["identity;q=1, gzip;q=0.5"] = "none", ["gzip, identity"] = "gzip",
      ["identity;q=0, gzip"] = "gzip", ["identity;q=0"] = "none", [""] = "none",
      ["gzip;q=1.5"] = "none", ["gzip;q=x"] = "none", ["gzip;q=0.1234"] = "none",
      [", ,gzip,"] = "gzip", ["gzip;level=9;q=0.3"] = "gzip", ["gzipp"] = "none",
    } do
      assert.equal(want, (coding(n, "/", accept)), accept)
    end
  end)

  it("reads several fields as one", function()
    local n = compressed.start(serve)
    local answer = compressed.get(n, "/", { accept = "gzip;q=0.5",
      curl = { "-H", "Accept-Encoding: br" } })
    assert.equal("br", answer.headers["content-encoding"])
  end)

  it("goes by the media type, without its parameters and its case", function()
    local n = compressed.start(serve)
    for type_of, is_compressed in pairs {
      ["text/html;charset=utf-8"] = true, ["TEXT/css"] = true, ["application/json"] = true,
      ["application/problem+json"] = true, ["image/svg+xml"] = true, ["text/event-stream"] = true,
      ["image/png"] = false, ["application/octet-stream"] = false, ["texts/html"] = false,
      ["application/grpc"] = false, ["application/grpc-web+json"] = false,
    } do
      local want = is_compressed and "gzip" or "none"
      local got, _, vary = coding(n, "/?type=" .. type_of, "gzip")
      assert.same({ want, is_compressed and "Accept-Encoding" or nil }, { got, vary }, type_of)
    end
  end)

  it("leaves small answers as they are, unless the client refuses that", function()
    local n = compressed.start(serve)
    assert.same({ "none", 1023, "Accept-Encoding" }, { coding(n, "/?size=1023", "gzip") })
    assert.same({ "gzip", 1024, "Accept-Encoding" }, { coding(n, "/?size=1024", "gzip") })
    assert.same({ "gzip", 10, "Accept-Encoding" }, { coding(n, "/?size=10", "gzip, *;q=0") })
    assert.same({ "none", 0, "Accept-Encoding" }, { coding(n, "/?size=0", "gzip, *;q=0") })
  end)

  it("is what its table says", function()
    local n = compressed.start(serve, { compress = [[{ codings = { "gzip" }, min_bytes = 10,
      types = { "image/png" }, levels = { gzip = 9 } }]] })
    assert.equal("gzip", (coding(n, "/?type=image/png&size=10", "br, zstd, gzip")))
    assert.equal("none", (coding(n, "/", "br, zstd, gzip")))
  end)

  it("is off without the key", function()
    local n = compressed.start(serve, { compress = "false" })
    local got, _, vary = coding(n, "/", "gzip")
    assert.same({ "none" }, { got, vary })
  end)

  it("compresses so many at a time, and no more", function()
    local n = compressed.start(function(conn, request)
      if request.target ~= "/holds" then return serve(conn, request) end
      conn:send("HTTP/1.1 200 OK\r\n" .. compressed.TYPE .. "Transfer-Encoding: chunked\r\n\r\n")
      conn:closed(30)
    end, { compress = '{ codings = { "gzip" }, answers = 1 }', allow = { "broke off" } })
    local held = require("support.client").connect(n.address)
    held:send "GET /holds HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n"
    assert.matches("Content%-Encoding: gzip", held:receive_until "\r\n\r\n")
    assert.equal("none", (coding(n, "/", "gzip")))
    held:close()
    require("support.eventually")(function() return coding(n, "/", "gzip") == "gzip" end)
  end)
end)
