-- A whole message read into a buffer: the same, however it was cut on its way.
local http = require "unit.http_probe"

local ffi, lib = http.ffi, http.lib

local ROOM = 4096

local function bounds(options)
  return ffi.new("struct h1_reader_bounds", {
    head = { header_bytes = 1024, uri_bytes = 256, headers = 16 },
    body_max = options.body_max or 100,
    interims_max = options.interims_max or 2,
  })
end

local function new(options)
  local reader = {
    r = ffi.new "struct h1_reader", n = ffi.new "size_t[1]", bytes = ffi.new("char[?]", ROOM),
    bounds = bounds(options), fields = ffi.new "struct http_field[16]", heads = 0,
  }
  if options.request then
    lib.h1_reader_init_request(reader.r, reader.fields, reader.bounds)
  else
    lib.h1_reader_init_answer(reader.r, reader.fields, reader.bounds,
      options.asked or lib.METHOD_GET)
  end
  return reader
end

-- Bytes come behind those that are there, at another place in memory.
local function add(reader, text)
  local old, n = reader.bytes, tonumber(reader.n[0])
  reader.bytes = ffi.new("char[?]", ROOM)
  ffi.copy(reader.bytes, old, n)
  ffi.copy(reader.bytes + n, text, #text)
  reader.n[0] = n + #text
end

local function read(reader)
  local result
  repeat
    result = tonumber(lib.h1_reader_read(reader.r, reader.bytes, reader.n))
    if result == lib.READER_HEAD then reader.heads = reader.heads + 1 end
  until result ~= lib.READER_HEAD
  return result
end

local NAMES = { "MORE", "HEAD", "DONE", "BAD_HEAD", "BAD_BODY", "LONG" }

local function rest_of(reader)
  local whole = tonumber(lib.h1_reader_bytes(reader.r))
  return ffi.string(reader.bytes + whole, reader.n[0] - whole)
end

local function outcome(reader, result)
  local r, name = reader.r, nil
  for _, one in ipairs(NAMES) do
    if lib["READER_" .. one] == result then name = one end
  end
  local got = { result = name, heads = reader.heads }
  if name == "BAD_HEAD" then got.why = ffi.string(r.head.refusal.reason) end
  if name == "BAD_BODY" then got.why = ffi.string(r.body.chunk.reason) end
  if name == "MORE" then got.at_close = lib.h1_reader_ends_at_close(r) end
  if reader.heads > 0 and name ~= "LONG" and name ~= "BAD_BODY" then
    got.head = ffi.string(reader.bytes, r.head.bytes)
    got.body = http.text(lib.h1_reader_payload(r, reader.bytes))
    got.rest = rest_of(reader)
  end
  return got
end

-- Reads the pieces, and all of them once more when it is decided.
local function read_pieces(pieces, options)
  local reader, result = new(options), lib.READER_MORE
  for _, piece in ipairs(pieces) do
    add(reader, piece)
    if result == lib.READER_MORE then result = read(reader) end
  end
  local got = outcome(reader, result)
  assert.equals(result, read(reader))
  return got
end

local function read_all(text, options)
  local whole, each = read_pieces({ text }, options), {}
  for cut = 1, #text do
    each[cut] = text:sub(cut, cut)
    local got = read_pieces({ text:sub(1, cut), text:sub(cut + 1) }, options)
    if not pcall(assert.same, whole, got) then
      assert.same(whole, got, ("%q cut at %d"):format(text, cut))
    end
  end
  assert.same(whole, read_pieces(each, options))
  return whole
end

local function assert_read(text, options, expected)
  local got = read_all(text, options)
  for key, value in pairs(expected) do
    assert.equals(value, got[key], ("%q: %s"):format(text, key))
  end
  return got
end

describe("a reader of whole messages", function()
  local REQUEST = { request = true }
  local ANSWER = {}

  it("reads a request, and leaves what follows it", function()
    local head = http.request("Content-Length: 5\r\n", "PUT / HTTP/1.1")
    assert_read(head .. "helloGET", REQUEST,
      { result = "DONE", heads = 1, head = head, body = "hello", rest = "GET" })
    assert_read(http.request(), REQUEST, { result = "DONE", body = "", rest = "" })
    assert_read(head .. "hell", REQUEST, { result = "MORE", body = "hell", at_close = false })
    assert_read("GET / HT", REQUEST, { result = "MORE", heads = 0, at_close = false })
    assert_read("", REQUEST, { result = "MORE", heads = 0 })
  end)

  it("passes over empty lines before a request", function()
    local head = http.request()
    assert_read("\r\n\r\n\r\n" .. head .. "\r\n", REQUEST,
      { result = "DONE", head = head, body = "", rest = "\r\n" })
    assert_read("\r\n\r\n", REQUEST, { result = "MORE", heads = 0 })
    assert_read("\r\n\rG", REQUEST, { result = "BAD_HEAD" })
  end)

  it("takes the chunked coding out", function()
    local head = http.response "Transfer-Encoding: chunked\r\n"
    assert_read(head .. "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\nNEXT", ANSWER,
      { result = "DONE", head = head, body = "hello world", rest = "NEXT" })
    assert_read(head .. "5\r\nhello\r\n6\r\n wor", ANSWER,
      { result = "MORE", body = "hello wor", rest = "", at_close = false })
    assert_read(head .. "5\r\nhello\r\nx", ANSWER,
      { result = "BAD_BODY", why = "invalid chunk size" })
  end)

  it("reads an answer until the connection ends", function()
    local head = http.response()
    assert_read(head .. "all that comes", ANSWER,
      { result = "MORE", head = head, body = "all that comes", at_close = true })
  end)

  it("knows by the request which answers have no body", function()
    local head = http.response "Content-Length: 5\r\n"
    assert_read(head .. "HTTP", { asked = lib.METHOD_HEAD },
      { result = "DONE", head = head, body = "", rest = "HTTP" })
    assert_read(http.response("", "HTTP/1.1 304 x") .. "HTTP", ANSWER,
      { result = "DONE", body = "", rest = "HTTP" })
  end)

  it("passes over 1xx heads, but not over many", function()
    local interim, head = http.response("", "HTTP/1.1 102 x"), http.response "Content-Length: 1\r\n"
    assert_read(interim .. interim .. head .. "!", ANSWER,
      { result = "DONE", head = head, body = "!", heads = 1 })
    assert_read(interim .. interim .. interim .. head, ANSWER,
      { result = "BAD_HEAD", why = "too many 1xx answers" })
    assert_read(interim, { interims_max = 0 }, { result = "BAD_HEAD" })
  end)

  it("bounds heads and bodies", function()
    local long = ("X: " .. ("y"):rep(300) .. "\r\n"):rep(4)
    assert_read(http.response(long), ANSWER, { result = "BAD_HEAD", why = "header too large" })
    local head, full = http.response "Content-Length: 9\r\n", { body_max = 9 }
    assert_read(head .. "123456789", full, { result = "DONE", body = "123456789" })
    full.body_max = 8
    assert_read(head .. "123456789", full, { result = "LONG" })
    assert_read(http.response() .. "123456789", full, { result = "LONG" })
    local coded = http.response "Transfer-Encoding: chunked\r\n"
    assert_read(coded .. "9\r\n123456789\r\n0\r\n\r\n", full, { result = "LONG" })
    assert_read(coded .. "9\r\n123456789bad", full, { result = "LONG" })
  end)

  it("says what is wrong with a head", function()
    assert_read("GET  / HTTP/1.1\r\n", REQUEST,
      { result = "BAD_HEAD", why = "more than one space in request line" })
    assert_read("HTTP/2.0 200 x\r\n", ANSWER,
      { result = "BAD_HEAD", why = "unsupported HTTP version" })
    assert_read(http.response("Content-Length: 2\r\n", "HTTP/1.1 100 x"), ANSWER, { heads = 0 })
  end)
end)
