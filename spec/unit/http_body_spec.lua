-- RFC 9112 §6.3 and §8: where a body ends, for each framing.
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
  local result = lib.h1_body_decode(body, memory, #text, used, kept)
  return ffi.string(memory, kept[0]), tonumber(used[0]), body.done, result == lib.BODY_OK
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
