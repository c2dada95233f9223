-- RFC 9112 §7.1: the chunked coding, fed whole, byte by byte and cut at each position.
local http = require "unit.http_probe"

local ffi, lib = http.ffi, http.lib
local TRAILER_BYTES = 512

-- Feeds pieces; gives the last event, the payload, how many bytes were used, and the reason.
local function feed(pieces)
  local chunk = ffi.new "struct h1_chunk"
  lib.h1_chunk_init(chunk, TRAILER_BYTES)
  local used, data, data_n = ffi.new "size_t[1]", ffi.new "const char *[1]", ffi.new "size_t[1]"
  local payload, total, event = {}, 0, lib.CHUNK_MORE
  for _, piece in ipairs(pieces) do
    local memory, at = http.bytes(piece), 0
    repeat
      event = tonumber(lib.h1_chunk_next(chunk, memory + at, #piece - at, used, data, data_n))
      at, total = at + tonumber(used[0]), total + tonumber(used[0])
      if event == lib.CHUNK_DATA then table.insert(payload, ffi.string(data[0], data_n[0])) end
    until event ~= lib.CHUNK_DATA
    if event ~= lib.CHUNK_MORE then break end
  end
  return { event, table.concat(payload), total, chunk.reason ~= nil and ffi.string(chunk.reason) }
end

local function decode(text)
  local whole, bytes = feed { text }, {}
  for i = 1, #text do
    bytes[i] = text:sub(i, i)
    if #text < 1000 then assert.same(whole, feed { text:sub(1, i), text:sub(i + 1) }, text) end
  end
  assert.same(whole, feed(bytes), text)
  return unpack(whole)
end

local function refused(text, reason)
  local event, _, used, why = decode(text)
  assert.equals(tonumber(lib.CHUNK_BAD), event, ("%q"):format(text))
  assert.is_true(used < #text)
  if reason then assert.equals(reason, why) end
end

local function accepted(text, payload)
  local event, got, used = decode(text .. "GET / next")
  assert.same({ tonumber(lib.CHUNK_END), payload, #text }, { event, got, used })
end

describe("chunked coding", function()
  it("gives the payload and where it ends", function()
    accepted("0\r\n\r\n", "")
    accepted("5\r\nhello\r\n0\r\n\r\n", "hello")
    accepted("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world")
    accepted("a\r\n0123456789\r\nA\r\n0\r\n\r\n67890\r\n000\r\n\r\n", "01234567890\r\n\r\n67890")
    accepted("0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", "hello")
    accepted("10\r\n" .. ("x"):rep(16) .. "\r\n0\r\n\r\n", ("x"):rep(16))
  end)

  it("waits for the rest", function()
    local text = "5;a=\"b\"\r\nhello\r\n0\r\nX: y\r\n\r\n"
    for n = 0, #text - 1 do
      local event, _, used = decode(text:sub(1, n))
      assert.same({ tonumber(lib.CHUNK_MORE), n }, { event, used })
    end
  end)

  it("refuses what is no size", function()
    for _, size in ipairs { "", " 5", "5 ", "5\t", "+5", "-5", "0x5", "0X5", "5h", "5,5", "5.0",
      "g",
      "\0", "5\0", "5\11", "\"5\"", ":5", "_5", "5\194\160", "=", "\r", "5=", "5:", "00x5" } do
      refused(size .. "\r\nhello\r\n0\r\n\r\n", "invalid chunk size")
    end
    refused("5\nhello\n0\n\n", "bare LF in chunk size")
    refused("\nhello", "invalid chunk size")
    refused("5\rhello\r\n0\r\n\r\n", "bare CR in chunk size")
    refused("5\r\r\nhello\r\n", "bare CR in chunk size")
    refused(";a\r\nhello\r\n", "invalid chunk size")
  end)

  it("takes sizes up to 2^63 - 1 in up to 16 digits and does not wrap", function()
    refused("00000000000000005\r\nhello\r\n", "chunk size too large")
    refused("10000000000000005\r\nhello\r\n", "chunk size too large")
    refused("fffffffffffffffff\r\nhello\r\n", "chunk size too large")
    refused("8000000000000000\r\nhello\r\n", "chunk size too large") -- negative to others
    local event, payload = decode "7fffFFFFffffFFFF\r\nx"
    assert.same({ tonumber(lib.CHUNK_MORE), "x" }, { event, payload })
  end)

  it("wants CRLF behind the data", function()
    for _, behind in ipairs { "", "\n", "\r", "x\r\n", " \r\n", "\r\r\n", "\0\r\n", "\n\r",
      "o\r\n" } do
      refused("5\r\nhello" .. behind .. "0\r\n\r\n", "no CRLF behind chunk data")
    end
    refused("4\r\nhello\r\n0\r\n\r\n", "no CRLF behind chunk data")
    refused("5\r\nhello\r\n\r\n0\r\n\r\n", "invalid chunk size")
  end)

  it("takes extensions that follow the grammar", function()
    for _, extension in ipairs { ";a", ";a=b", ";a=\"\"", ";a=\"b;c=\\\"d\\\\\"", ";a;b;c=d",
      ";a=\"\195\169\t \"",
      ";!#$%&'*+-.^_`|~=x", ";a=\"x\";b" } do
      accepted("5" .. extension .. "\r\nhello\r\n0" .. extension .. "\r\n\r\n", "hello")
    end
    for _, extension in ipairs { ";", ";;a", "; a", " ;a", ";a ;b", ";a =b", ";a= b", ";a=", ";=b",
      ";a=b=c",
      ";a=\"b", ";a=\"b\"c", ";a=b\"c\"", ";a\"b\"", ";a=\"\0\"", ";a=\"b\127\"", ";a=\"\\\1\"",
        ";a\0",
      ";a,b", ";a=\"\n\"", ";a\n", ";a=(b)", ";a=\"b\" ", ";\195\169", ";a=\"\r\n\"" } do
      refused("5" .. extension .. "\r\nhello\r\n0\r\n\r\n")
    end
    refused("5;a\rb\r\nhello\r\n", "bare CR in chunk size")
  end)

  it("bounds extensions, in a line and over the body", function()
    accepted("5;" .. ("a"):rep(1000) .. "\r\nhello\r\n0\r\n\r\n", "hello")
    refused("5;" .. ("a"):rep(1030) .. "\r\nhello\r\n0\r\n\r\n", "chunk size line too long")
    local one = "1;" .. ("a"):rep(500) .. "\r\nx\r\n"
    accepted(one:rep(8) .. "0\r\n\r\n", ("x"):rep(8))
    refused(one:rep(9) .. "0\r\n\r\n", "chunk extensions too long")
  end)

  it("takes trailers that are good fields", function()
    for _, line in ipairs { "X: y", "X:", "X:y", "x_y: \t \195\169", "Server-Timing: a;dur=1",
      "Digest: x", "Content-Digest: x", "Content-MD5: x", "grpc-status: 0", "ETag: \"x\"",
        "Expires: 0" } do
      accepted("0\r\n" .. line .. "\r\n\r\n", "")
      accepted("1\r\nx\r\n0\r\n" .. line .. "\r\nA: b\r\n\r\n", "x")
    end
  end)

  it("refuses trailers that are not", function()
    for _, line in ipairs { " X: y", "\tX: y", "X : y", "X", ": y", "X@: y", "X: \0", "X: \127",
      "X: a\rb",
      "X: y\r\n z", "\11X: y", "X\0: y", "X: y\27", "(X): y" } do
      refused("0\r\n" .. line .. "\r\n\r\n")
    end
    refused("0\r\nX: y\n\r\n", "control character in trailer")
    refused("0\r\nX: y\r\n\n", "invalid trailer name")
    refused("0\r\n\rX", "bare CR in trailer")
    refused("0\r\nX: y\r\n\r\r\n", "bare CR in trailer")
    refused("0\r\n\n", "invalid trailer name")
  end)

  it("refuses trailers that would change what was already decided", function()
    for _, name in ipairs { "Transfer-Encoding", "content-length", "HOST", "Connection", "TE",
      "Trailer",
      "Upgrade", "Authorization", "Cookie", "Set-Cookie", "Content-Encoding", "Content-Type",
      "Content-Range", "Cache-Control", "Expect", "Forwarded", "X-Forwarded-For",
        "X-Forwarded-Whatever",
      "Max-Forwards", "Range", "If-Match", "If-None-Match", "Proxy-Authorization", "Keep-Alive",
      "X-Real-IP", "WWW-Authenticate", "Location", "Content_Length", "Transfer_Encoding",
        "X_Forwarded_For",
      "X-Forwarded-" .. ("a"):rep(100), "Via", "Pragma" } do
      refused("0\r\n" .. name .. ": x\r\n\r\n", "forbidden trailer")
    end
    accepted("0\r\nHost2: x\r\nXHost: x\r\nTE-x: y\r\n" .. ("N"):rep(100) .. ": x\r\n\r\n", "")
  end)

  it("bounds trailers in bytes and number", function()
    local function trailers(n)
      return "0\r\nX: " .. ("y"):rep(n - 7) .. "\r\n\r\n"
    end
    accepted(trailers(TRAILER_BYTES), "")
    refused(trailers(TRAILER_BYTES + 1), "trailers too large")
    accepted("0\r\n" .. ("A:\r\n"):rep(64) .. "\r\n", "")
    refused("0\r\n" .. ("A:\r\n"):rep(65) .. "\r\n", "too many trailers")
  end)

  it("stays at its end, and at its error", function()
    local chunk, used = ffi.new "struct h1_chunk", ffi.new "size_t[1]"
    for text, event in pairs { ["0\r\n\r\n"] = lib.CHUNK_END, ["x\r\n\r\n"] = lib.CHUNK_BAD } do
      lib.h1_chunk_init(chunk, TRAILER_BYTES)
      lib.h1_chunk_next(chunk, text, 5, used, nil, nil)
      assert.equals(tonumber(event), tonumber(lib.h1_chunk_next(chunk, text, 5, used, nil, nil)))
      assert.equals(0, tonumber(used[0]))
    end
  end)

  it("writes size lines", function()
    local to = ffi.new "char[18]"
    for text, n in pairs { ["0"] = 0, ["1f4"] = 500, ffffffffffffffff = 0xffffffffffffffffULL } do
      local written = lib.h1_chunk_size_line(to, ffi.cast("uint64_t", n))
      assert.equals(text .. "\r\n", ffi.string(to, written))
    end
  end)
end)
