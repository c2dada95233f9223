-- RFC 9112 §6.3 and §8: where a body ends, for each framing.
local base = require "unit.base_probe"
local http = require "unit.http_probe"

local ffi, lib = http.ffi, http.lib

local function new_body(framing, length)
  local limits = ffi.new("struct http_limits", { 1000, 1000, 10 })
  local head = ffi.new "struct http_head"
  head.limits, head.framing, head.length = limits, lib["FRAMING_" .. framing], length or 0
  local body = ffi.new "struct h1_body"
  lib.h1_body_init(body, head)
  return body
end

local function feed(body, text)
  local used = ffi.new "size_t[1]"
  local result = lib.h1_body_feed(body, text, #text, used)
  return tonumber(used[0]), body.done, result == lib.BODY_OK
end

local function decode(body, text)
  local used, kept, memory = ffi.new "size_t[1]", ffi.new "size_t[1]", http.bytes(text)
  local result = lib.h1_body_decode(body, memory, #text, used, kept, nil)
  return ffi.string(memory, kept[0]), tonumber(used[0]), body.done, result == lib.BODY_OK
end

-- What is left of the payload by this function, and the trailers, of an answer that comes in these
-- pieces; nil and why it is bad.
local function gather(take, pieces, room, own)
  local slab, trailers = ffi.new "struct bt_slab", ffi.new "struct bt_buf"
  base.lib.slab_init(slab, room or 256, 2)
  base.lib.buf_init(trailers, slab)
  local body, payload, used, kept = new_body "CHUNKED", {}, ffi.new "size_t[1]", ffi.new "size_t[1]"
  body.chunk.is_answer = true
  body.chunk.own = own
  for _, piece in ipairs(pieces) do
    local memory = ffi.new("char[?]", #piece + lib.H1_CHUNK_HELD_MAX, piece)
    local result = take(body, memory, #piece, used, kept, ffi.cast("struct buf *", trailers))
    if result ~= lib.BODY_OK then
      base.lib.slab_fini(slab)
      return nil, ffi.string(body.chunk.reason)
    end
    table.insert(payload, ffi.string(memory, kept[0]))
  end
  local text = trailers.data ~= nil
    and ffi.string(trailers.data + trailers.start, trailers["end"] - trailers.start)
  base.lib.slab_fini(slab)
  return table.concat(payload), text, body.done
end

-- As they are found in a body that goes on in its coding, too.
local function split(...)
  local payload, text, done = gather(lib.h1_body_decode, ...)
  local coded, text_too, done_too = gather(lib.h1_body_tidy, ...)
  assert.same({ payload ~= nil, text, done }, { coded ~= nil, text_too, done_too })
  return payload, text, done
end

describe("body", function()
  it("is done at once when there is none", function()
    for _, body in ipairs { new_body "NONE", new_body("LENGTH", 0) } do
      assert.is_true(body.done)
      assert.same({ 0, true, true }, { feed(body, "GET") })
      assert.same({ "", 0, true, true }, { decode(body, "GET") })
    end
  end)

  it("takes as many bytes as its length says", function()
    local body = new_body("LENGTH", 5)
    assert.same({ 2, false, true }, { feed(body, "he") })
    assert.same({ 0, false, true }, { feed(body, "") })
    assert.is_false(lib.h1_body_is_whole_at_close(body))
    assert.same({ 3, true, true }, { feed(body, "lloGET / HTTP/1.1") })
    assert.is_true(lib.h1_body_is_whole_at_close(body))
    assert.equals(5, tonumber(body.payload))
    assert.same({ 0, true, true }, { feed(body, "more") })
    assert.same({ "hello", 5, true, true }, { decode(new_body("LENGTH", 5), "hello world") })
    local huge = new_body("LENGTH", 9223372036854775807ULL)
    assert.same({ 4, false, true }, { feed(huge, "abcd") })
  end)

  it("goes on until the connection ends", function()
    local body = new_body "UNTIL_CLOSE"
    assert.same({ 5, false, true }, { feed(body, "hello") })
    assert.same({ "more", 4, false, true }, { decode(body, "more") })
    assert.is_true(lib.h1_body_is_whole_at_close(body))
    assert.equals(9, tonumber(body.payload))
  end)

  it("follows the chunked coding, however it is cut", function()
    local text = "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n"
    for cut = 0, #text do
      local whole, coded = new_body "CHUNKED", new_body "CHUNKED"
      local first, behind = text:sub(1, cut), text:sub(cut + 1)
      local early = cut == #text
      assert.same({ cut, early, true }, { feed(coded, first) })
      assert.equals(early, lib.h1_body_is_whole_at_close(coded))
      assert.same({ #behind, true, true }, { feed(coded, behind .. (early and "" or "NEXT")) })
      local one = decode(whole, first)
      local two, _, done = decode(whole, behind)
      assert.same({ "hello world", true }, { one .. two, done })
      assert.same({ 11, 11 }, { tonumber(whole.payload), tonumber(coded.payload) })
    end
  end)

  it("gives its trailers apart, without those that may not be there, however it is cut", function()
    local text = "5\r\nhello\r\n0\r\nGrpc-Status: 0\r\nHost: x\r\nX-Own-Id: 1\r\nb:\r\n\r\n"
    local want = { "hello", "Grpc-Status: 0\r\nb:\r\n", true }
    for cut = 0, #text do
      assert.same(want, { split({ text:sub(1, cut), text:sub(cut + 1) }, nil, "x-own-id") })
    end
    local bytes = {}
    for i = 1, #text do bytes[i] = text:sub(i, i) end
    assert.same(want, { split(bytes, nil, "x-own-id") })
    assert.same({ "", false, true }, { split { "0\r\n\r\n" } })
    local large = { "0\r\na: 4567890123456789\r\n\r\n" }
    assert.same({ nil, "no room for the trailers" }, { split(large, 16) })
  end)

  it("says why a chunked body is bad, and how much of it was good", function()
    local body = new_body "CHUNKED"
    local used, done, ok = feed(body, "4\r\ngood\r\nzz")
    assert.same({ 9, false, false }, { used, done, ok })
    assert.equals("invalid chunk size", ffi.string(body.chunk.reason))
    assert.same({ 0, false, false }, { feed(body, "0\r\n\r\n") })
    assert.is_false(lib.h1_body_is_whole_at_close(body))
    assert.same({ "good", 9, false, false }, { decode(new_body "CHUNKED", "4\r\ngood\r\n\r\n") })
  end)

  it("bounds trailers by the head's limit", function()
    local _, _, ok = feed(new_body "CHUNKED", "0\r\nX: " .. ("y"):rep(900) .. "\r\n\r\n")
    assert.is_true(ok)
    _, _, ok = feed(new_body "CHUNKED", "0\r\nX: " .. ("y"):rep(1000) .. "\r\n\r\n")
    assert.is_false(ok)
  end)
end)
