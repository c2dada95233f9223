-- RFC 9112 §4 and §6.3: heads of responses; a backend is judged as strictly as a client.
local http = require "unit.http_probe"

local lib = http.lib
local options = { response = true }

local function parse(text)
  return http.parse(text, options)
end

local function refused(rows)
  for _, row in ipairs(rows) do http.assert_refused({ { row[1], 502, row[2] } }, options) end
end

-- The framing for a request's method: its name and length, or nil and why it was refused.
local function framing(method, lines, first)
  local got, head = parse(http.response(lines, first))
  assert.is_true(got.done, got.reason)
  if not lib.h1_response_framing(head.h, lib["METHOD_" .. method]) then
    assert.equals(502, head.h.refusal.status)
    return nil, http.ffi.string(head.h.refusal.reason)
  end
  for _, name in ipairs { "NONE", "LENGTH", "CHUNKED", "UNTIL_CLOSE" } do
    if head.h.framing == lib["FRAMING_" .. name] then return name, tonumber(head.h.length) end
  end
end

describe("response", function()
  it("gives version, status and reason", function()
    local got = parse "HTTP/1.1 404 Not \tFound, caf\195\169 \r\nA: b\r\n\r\n"
    assert.same({ 1, 404, "Not \tFound, caf\195\169 " }, { got.minor, got.reply, got.words })
    assert.equals(0, parse "HTTP/1.0 200 OK\r\n\r\n".minor)
    for _, first in ipairs { "HTTP/1.1 200", "HTTP/1.1 200 " } do
      got = parse(first .. "\r\n\r\n")
      assert.same({ 200, "" }, { got.reply, got.words })
    end
    for _, status in ipairs { 100, 199, 204, 299, 304, 499, 599, 600, 777, 999 } do
      assert.equals(status, parse("HTTP/1.1 " .. status .. " X\r\n\r\n").reply)
    end
  end)

  it("is refused when its first line is anything else", function()
    for _, first in ipairs {
      "", " ", "200 OK", "ICY 200 OK", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 2", "HTTP/1.1 20",
      "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 -20 OK", "HTTP/1.1 +200",
      "HTTP/1.1  200 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1 200OK",
        " HTTP/1.1 200 OK",
      "http/1.1 200 OK", "HTTP/2 200", "HTTP/1 200 OK", "HTTP/1.1.1 200 OK", "HTTP/11 200 OK",
      "HTTP/1.1 0200 OK", "HTTP/1.1 200 O\0K", "HTTP/1.1 200 O\127K", "HTTP/1.1 200 O\27K",
      "HTTP/1.1 0x1 OK", "SSH-2.0-x", "HTTP/1.1 \239\188\146\48\48",
    } do
      refused { { first .. "\r\n\r\n" } }
    end
    refused {
      { "HTTP/2.0 200 OK\r\n\r\n", "unsupported HTTP version" },
      { "HTTP/1.2 200 OK\r\n\r\n", "unsupported HTTP version" },
      { "HTTP/0.9 200 OK\r\n\r\n", "unsupported HTTP version" },
      { "HTTP/1.1 099 OK\r\n\r\n", "status out of range" },
      { "HTTP/1.1 1000 OK\r\n\r\n", "malformed status" },
      { "HTTP/1.1 000 OK\r\n\r\n", "status out of range" },
      { "HTTP/1.1 200 OK\n\n", "bare LF in header" },
      { "HTTP/1.1 200 OK\r\r\n\r\n", "bare CR" },
      { "\r\nHTTP/1.1 200 OK\r\n\r\n" },
    }
  end)

  it("is bounded as a whole", function()
    local small = { response = true, limits = { header_bytes = 100, uri_bytes = 10, headers = 9 } }
    for _, text in ipairs { "HTTP/1.1 200 " .. ("x"):rep(100), http.response("A: "
      .. ("x"):rep(100)) } do
      http.assert_refused({ { text, 502 } }, small)
    end
  end)

  it("has the framing that its fields say", function()
    assert.equals("UNTIL_CLOSE", framing("GET"))
    assert.equals("UNTIL_CLOSE", framing("GET", "", "HTTP/1.0 200 OK"))
    assert.same({ "LENGTH", 5 }, { framing("GET", "Content-Length: 5\r\n") })
    assert.same({ "NONE", 0 }, { framing("GET", "Content-Length: 0\r\n") })
    assert.equals("CHUNKED", (framing("POST", "Transfer-Encoding: Chunked\r\n")))
    assert.equals("LENGTH", (framing("OTHER", "Content-Length: 5\r\n", "HTTP/1.1 404 X")))
  end)

  it("has no body for HEAD, 1xx, 204 and 304", function()
    for _, lines in ipairs { "", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n" } do
      assert.equals("NONE", (framing("HEAD", lines)))
      assert.equals("NONE", (framing("GET", lines, "HTTP/1.1 304 Not Modified")))
    end
    assert.same({ "NONE", 5 }, { framing("HEAD", "Content-Length: 5\r\n") })
    for _, status in ipairs { 100, 101, 103, 199, 204 } do
      local first = "HTTP/1.1 " .. status .. " X"
      assert.equals("NONE", (framing("GET", "", first)))
      assert.equals("NONE", (framing("GET", "Content-Length: 0\r\n", first)))
    end
    for _, lines in ipairs { "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n" } do
      for _, status in ipairs { 100, 101, 103, 199 } do
        assert.same({ nil, "a 1xx answer that announces a body" },
          { framing("GET", lines, "HTTP/1.1 " .. status .. " X") })
      end
      assert.equals("NONE", (framing("GET", lines, "HTTP/1.1 204 X")))
    end
    assert.equals("UNTIL_CLOSE", framing("GET", "", "HTTP/1.1 205 X"))
  end)

  it("is refused where its framing could be read in two ways", function()
    local rows = {
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Transfer-Encoding: gzip, chunked\r\n",
      "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n",
      "Content-Length: -1\r\n", "Content-Length: 9223372036854775808\r\n", "Content-Length: \r\n",
      "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: chunked, x\r\n",
      "Transfer-Encoding: identity\r\n", "Transfer-Encoding:\r\n",
        "Transfer-Encoding: chunked;a\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Content-Length : 5\r\n",
    }
    for _, lines in ipairs(rows) do refused { { http.response(lines) } } end
    refused { { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "Transfer-Encoding in HTTP/1.0" } }
  end)

  it("says whether the connection goes on", function()
    local function keeps(lines, first)
      local _, head = parse(http.response(lines, first))
      assert.is_true(lib.h1_response_framing(head.h, lib.METHOD_GET))
      return lib.h1_keeps_alive(head.h)
    end
    assert.is_true(keeps "Content-Length: 5\r\n")
    assert.is_false(keeps "Content-Length: 5\r\nConnection: close\r\n")
    assert.is_false(keeps "")
    assert.is_true(keeps("", "HTTP/1.1 204 X"))
    assert.is_false(keeps("Content-Length: 5\r\n", "HTTP/1.0 200 OK"))
    assert.is_true(keeps("Content-Length: 5\r\nConnection: keep-alive\r\n", "HTTP/1.0 200 OK"))
  end)
end)
