local client = require "support.client"
local compressed = require "support.compressed"

local TEXT = compressed.text(4000)

-- An answer with these lines of its head.
local function serving(lines, status)
  return function(_, request)
    local headers = { ["Content-Type"] = "text/plain" }
    for _, line in ipairs(lines) do
      local name, value = line:match "^(.-): (.*)$"
      headers[name] = value
    end
    return { status = status, headers = headers, body = request.method ~= "HEAD" and TEXT or "" }
  end
end

local function head_of(lines, status, options)
  local n = compressed.start(serving(lines, status))
  local answer = compressed.get(n, "/", options or { accept = "gzip" })
  assert.equal(0, answer.code)
  return answer.headers, answer
end

describe("the head of a compressed answer", function()
  it("has no length, a weak ETag, no ranges, and says by what it varies", function()
    local headers, answer = head_of { 'ETag: "abc"', "Accept-Ranges: bytes", "Vary: Origin",
      "X-Other: 1" }
    assert.same({ "gzip", 'W/"abc"', "Origin, Accept-Encoding", "chunked", "1" },
      { headers["content-encoding"], headers.etag, headers.vary, headers["transfer-encoding"],
        headers["x-other"] })
    assert.is_nil(headers["content-length"])
    assert.is_nil(headers["accept-ranges"])
    assert.equal(TEXT, answer.body)
  end)

  it("keeps a weak ETag and a Vary that says enough", function()
    local headers = head_of { 'ETag: W/"abc"', "Vary: accept-encoding , Origin" }
    assert.same({ 'W/"abc"', "accept-encoding , Origin" }, { headers.etag, headers.vary })
    assert.equal("*", head_of({ "Vary: *" }).vary)
  end)

  it("loses an ETag that is none", function()
    local headers = head_of { "ETag: abc" }
    assert.same({ "gzip" }, { headers["content-encoding"], headers.etag })
  end)

  it("is left alone when the answer must not be changed", function()
    for _, line in ipairs { "Content-Encoding: deflate", "Content-Encoding: identity",
      "Cache-Control: public, no-transform", "Content-Digest: sha-256=:AAAA:", "Digest: md5=AAAA",
      "Repr-Digest: sha-256=:AAAA:", "Content-MD5: AAAA" } do
      local n = compressed.start(serving { line, 'ETag: "abc"' })
      local response = client.get(n.address, "/", { ["Accept-Encoding"] = "gzip" })
      assert.same({ TEXT, '"abc"' }, { response.body, response.headers.etag }, line)
      assert.is_nil(response.headers.vary, line)
    end
  end)

  it("is left alone in a part of it, and for HTTP/1.0", function()
    local headers, answer = head_of({ "Content-Range: bytes 0-3999/9000" }, 206)
    assert.same({ TEXT }, { answer.body, headers["content-encoding"], headers.vary })
    headers, answer = head_of({}, 200, { accept = "gzip", curl = { "--http1.0" } })
    assert.same({ TEXT, "Accept-Encoding" },
      { answer.body, headers.vary, headers["content-encoding"] })
  end)

  it("of HEAD and 204 stays, and HEAD says by what the answer varies", function()
    local headers = head_of({ 'ETag: "abc"' }, 200, { accept = "gzip", curl = { "-I" } })
    assert.same({ "Accept-Encoding", '"abc"' },
      { headers.vary, headers.etag, headers["content-encoding"] })
    local n = compressed.start(function()
      return { status = 204, headers = { ["Content-Type"] = "text/plain" } }
    end)
    headers = compressed.get(n, "/", { accept = "gzip" }).headers
    assert.same({}, { headers["content-encoding"], headers.vary })
  end)

  it("of errors and of answers to POST is no other", function()
    local headers, answer = head_of({}, 500, { accept = "br", curl = { "-d", "x" } })
    assert.same({ 500, "br", TEXT }, { answer.status, headers["content-encoding"], answer.body })
  end)

  it("says in a 304 what the client has: the weak ETag that it asked with", function()
    local n = compressed.start(function(conn)
      conn:send "HTTP/1.1 304 Not Modified\r\nETag: \"abc\"\r\n\r\n"
    end)
    local function ask(etag)
      local headers = client.get(n.address, "/", { ["If-None-Match"] = etag }).headers
      return { headers.etag, headers.vary }
    end
    assert.same({ 'W/"abc"', "Accept-Encoding" }, ask '"x", W/"abc"')
    assert.same({ '"abc"' }, ask '"abc"')
    assert.same({ '"abc"' }, ask 'W/"abcd"')
  end)
end)
