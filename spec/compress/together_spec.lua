-- Compression beside what else may happen to an answer.

local compressed = require "support.compressed"
local eventually = require "support.eventually"
local nginx = require "support.nginx"
local origin = require "support.origin"
local proxied = require "support.proxied"
local scope = require "support.scope"

local TEXT = compressed.text(30000)
local OPTIONS = { "--http1.1", "--http2-prior-knowledge" }
local CODINGS = { "gzip", "br", "zstd" }

local function serve() return { headers = { ["Content-Type"] = "text/plain" }, body = TEXT } end

local function chunked(conn)
  conn:send("HTTP/1.1 200 OK\r\n" .. compressed.TYPE .. "Transfer-Encoding: chunked\r\n\r\n"
    .. proxied.chunked { TEXT:sub(1, 100), TEXT:sub(101) })
end

-- Each coding over each protocol gives that body.
local function check(n, path, body, accepts)
  for _, option in ipairs(OPTIONS) do
    for _, accept in ipairs(accepts or CODINGS) do
      local answer = compressed.get(n, path, { accept = accept, curl = { option } })
      assert.same({ 0, accept ~= "identity" and accept or nil },
        { answer.code, answer.headers["content-encoding"] }, option)
      assert.is_true(answer.body == body, option .. " " .. accept)
    end
  end
end

describe("compress", function()
  it("takes what nginx serves, small and large", function()
    local folder = scope.directory()
    local large = compressed.text(3000000)
    scope.write(folder .. "/small", TEXT)
    scope.write(folder .. "/large", large)
    local web = nginx.start { content = ("default_type text/plain; root %s;"):format(folder) }
    local n = compressed.start(nil, { backends = { web.url } })
    check(n, "/small", TEXT)
    check(n, "/large", large)
  end)

  it("takes what a hook puts there, and what it has only looked at", function()
    for _, handler in ipairs { serve, chunked } do
      local n = compressed.start(handler, { service = [[policy = {
        response = function(request, _, response)
          if request.path == "/set" then response:set_body(("other "):rep(20000)) end
          if request.path == "/see" then response:set_header("x-n", #response:body(60000)) end
          if request.path == "/not" then
            response:body(60000)
            response:set_header("Cache-Control", "no-transform")
          end
        end }]] })
      check(n, "/set", ("other "):rep(20000))
      check(n, "/see", TEXT, { "gzip", "br", "zstd", "identity" })
      for _, option in ipairs(OPTIONS) do
        local answer = compressed.get(n, "/not", { accept = "gzip", curl = { option } })
        assert.same({ TEXT }, { answer.body, answer.headers["content-encoding"] })
      end
    end
  end)

  it("takes answers of policies, with their ETag, and leaves those that say no", function()
    local n = compressed.start(serve, { service = [[policy = {
      request = function(request)
        local text = ("mine "):rep(100000)
        local more = request.path == "/no" and { ["Cache-Control"] = "no-transform" } or {}
        more["Content-Type"], more["ETag"], more["Set-Cookie"] = "text/plain", '"x"', "a=b"
        return neap.reply { status = 203, headers = more, body = text }
      end }]] })
    check(n, "/", ("mine "):rep(100000))
    local answer = compressed.get(n, "/", { accept = "gzip" })
    assert.same({ 203, 'W/"x"', "a=b", "Accept-Encoding" }, { answer.status, answer.headers.etag,
      answer.headers["set-cookie"], answer.headers.vary })
    answer = compressed.get(n, "/no", { accept = "gzip" })
    assert.same({ '"x"', "500000" }, { answer.headers.etag, answer.headers["content-length"] })
    answer = compressed.get(n, "/", { accept = "gzip", curl = { "-I" } })
    assert.same({ "Accept-Encoding", "500000" },
      { answer.headers.vary, answer.headers["content-length"] })
  end)

  it("counts bytes as they were sent", function()
    local log = scope.directory() .. "/access.log"
    local n = compressed.start(serve, {
      rest = ('access_log = { target = %q, format = "json" }'):format(log) })
    local answer = compressed.get(n, "/", { accept = "br", curl = { "--http2-prior-knowledge" } })
    local bytes = eventually(function() return (scope.read(log) or ""):match '"bytes":(%d+)' end)
    assert.equal(answer.size, tonumber(bytes))
  end)

  it("goes with hedges and mirrors", function()
    local slow = origin.start { handler = function(conn)
      conn:wait(1)
      return serve()
    end }
    local quick, copy = origin.start { handler = serve }, origin.start { handler = serve }
    local n = compressed.start(nil, { backends = { slow, quick },
      service = "policy = { pick = function(_, pool) return pool:first() end }",
      pool = 'hedge = { after = 0.05, share = 1 }, mirror = { pool = "m" }',
      more_pools = ('m = { backends = { %q }, health = { type = "none" } }'):format(copy.url) })
    check(n, "/", TEXT, { "gzip" })
    eventually(function() return #copy:requests() == 2 end)
    assert.equal(2, #quick:requests())
  end)

  it("goes with backends that speak HTTP/2, their trailers too", function()
    local h2_server = require "support.h2_server"
    local web = h2_server.start { handler = function(h2, stream)
      h2:head(stream.id, { { ":status", "200" }, { "content-type", "text/plain" } })
      for at = 1, #TEXT, 10000 do h2:data(stream.id, TEXT:sub(at, at + 9999)) end
      h2:head(stream.id, { { "x-sum", "1" } }, { end_stream = true })
    end }
    local n = compressed.start(nil, { backends = { web.url }, pool = "http2 = true" })
    check(n, "/", TEXT, { "gzip", "zstd", "identity" })
    local response = require("support.client").get(n.address, "/", { ["Accept-Encoding"] = "br" })
    assert.same({ TEXT, "1" }, { compressed.plain("br", response.body),
      response.trailers["x-sum"] })
  end)
end)
