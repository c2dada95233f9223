-- The bodies of answers in chunked coding as they go on: what a server may not send, but some do,
-- is left out. Fed whole, byte by byte and cut at each position.
local http = require "unit.http_probe"

local ffi, lib = http.ffi, http.lib

local function new_body(is_answer)
  local limits = ffi.new("struct http_limits", { 2048, 512, 10 })
  local head = ffi.new "struct http_head"
  head.limits, head.framing, head.is_response = limits, lib.FRAMING_CHUNKED, is_answer
  local body = ffi.new "struct h1_body"
  lib.h1_body_init(body, head)
  return body
end

-- What goes on, "done", "more" or the reason, and how many bytes were used.
local function feed(pieces, is_answer)
  local body, out, total = new_body(is_answer), {}, 0
  local used, kept = ffi.new "size_t[1]", ffi.new "size_t[1]"
  for _, piece in ipairs(pieces) do
    local memory = ffi.new("char[?]", #piece + lib.H1_CHUNK_HELD_MAX, piece)
    local result = lib.h1_body_tidy(body, memory, #piece, used, kept, nil)
    table.insert(out, ffi.string(memory, kept[0]))
    total = total + tonumber(used[0])
    if result == lib.BODY_BAD then
      return { table.concat(out), ffi.string(body.chunk.reason), total }
    end
    if body.done then return { table.concat(out), "done", total } end
    assert.equals(#piece, tonumber(used[0]))
  end
  return { table.concat(out), "more", total }
end

local function tidy(text)
  local whole, bytes = feed({ text }, true), {}
  for i = 1, #text do
    bytes[i] = text:sub(i, i)
    assert.same(whole, feed({ text:sub(1, i), text:sub(i + 1) }, true), text)
  end
  assert.same(whole, feed(bytes, true), text)
  return unpack(whole)
end

local function becomes(text, wanted)
  local got, state, used = tidy(text .. "HTTP/1.1 200 OK\r\n")
  assert.same({ wanted, "done", #text }, { got, state, used })
  assert.same({ wanted, "done", #wanted }, feed({ wanted }, false))
end

describe("the chunked body of an answer", function()
  it("goes on as it is when nothing is wrong with it", function()
    for _, text in ipairs { "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n",
      "005;a;b=c;d=\"e ;\"\r\nhello\r\n0\r\n\r\n",
      "1\r\nx\r\n0\r\nX: y\r\ngrpc-status: 0\r\n" .. ("N"):rep(80) .. ":\r\n\r\n" } do
      becomes(text, text)
    end
  end)

  it("loses blanks around the parts of a size line", function()
    for _, line in ipairs { "5 ", "5\t ", "5 \t " } do
      becomes(line .. "\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n")
    end
    for _, line in ipairs { "5 ;a=b", "5; a=b", "5;a =b", "5;a= b", "5;a=b ", "5 ; a\t= b  " } do
      becomes(line .. "\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n")
    end
    becomes("5;a ;b = \"c d\" ; e\r\nhello\r\n0 \r\n\r\n", "5;a;b=\"c d\";e\r\nhello\r\n0\r\n\r\n")
  end)

  it("loses trailers that may not be there", function()
    for _, name in ipairs { "Content-Length", "transfer-encoding", "Set-Cookie", "Host", "TE",
      "X-Forwarded-" .. ("a"):rep(60), "Content_Length", "Content-Security-Policy-Report-Only" } do
      becomes("0\r\n" .. name .. ": x\r\n\r\n", "0\r\n\r\n")
      becomes("1\r\nx\r\n0\r\nA: b\r\n" .. name .. ":\r\nC: d\r\n\r\n",
        "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n")
      becomes("0\r\n" .. name .. ": x\r\n" .. name .. ": y\r\nC:\r\n\r\n", "0\r\nC:\r\n\r\n")
    end
  end)

  it("keeps back the beginning of a trailer until it is known", function()
    assert.same({ "0\r\n", "more", 16 }, { tidy "0\r\nContent-Lengt" })
    assert.same({ "0\r\n", "more", 17 }, { tidy "0\r\nContent-Length" })
    assert.same({ "0\r\nX:", "more", 5 }, { tidy "0\r\nX:" })
  end)

  it("is refused where it is wrong in other ways", function()
    for _, text in ipairs { " 5\r\n", "5 5\r\n", "\r\n", "5 ;\r\n", "5;a b\r\n", "5;=b\r\n",
      "5;a=\r\n",
      "5;a=b c\r\n", "5\n", "5 \n", "5\r\nhello \r\n", "0\r\nX : y\r\n\r\n", "0\r\n X: y\r\n\r\n",
      "0\r\nContent-Length: \0\r\n", "0\r\nContent-Length: 5\n" } do
      local _, state = tidy(text)
      assert.is_true(state ~= "more" and state ~= "done", ("%q: %s"):format(text, state))
    end
  end)

  it("is bounded, but for the sum of its extensions", function()
    assert.equals("chunk size line too long", (select(2, tidy("5" .. (" "):rep(1024)))))
    assert.equals("trailers too large", (select(2, tidy("0\r\nTE: " .. ("x"):rep(2050)))))
    local long = ("1;a=" .. ("b"):rep(500) .. "\r\nx\r\n"):rep(10) .. "0\r\n\r\n"
    assert.same({ long, "done", #long }, feed({ long }, true))
    assert.equals("chunk extensions too long", feed({ long }, false)[2])
    assert.equals("too many trailers", (select(2, tidy("0\r\n" .. ("TE:\r\n"):rep(65)))))
  end)

  it("of a request is not mended", function()
    for _, text in ipairs { "5 \r\n", "5 ;a\r\n", "5;a =b\r\n", "0\r\nTE: x\r\n" } do
      assert.is_true(feed({ text }, false)[2] ~= "more")
    end
  end)
end)
