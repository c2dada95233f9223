-- RFC 7541 by raw frames: field blocks of each form, and those that are none.
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local hpack = require "support.hpack"
local proxied = require "support.proxied"

local n, o

setup(function()
  n, o = proxied.start(function() return "whole" end)
end)

-- :method GET, :scheme http, :path / by the static table (2, 6, 4)
local START = hpack.indexed(2) .. hpack.indexed(6) .. hpack.indexed(4)
  .. hpack.literal(1, "a.test")

local function sent(...)
  local c = h2_client.connect(n.port)
  for i, block in ipairs { ... } do
    c:send(frames.headers(2 * i - 1, block, { end_stream = true }))
  end
  return c
end

local function last() return o:requests()[#o:requests()].headers end

local function is_taken(...)
  local c = sent(...)
  for i = 1, select("#", ...) do assert.equal(200, c:answer(2 * i - 1).status) end
end

local function is_error(...)
  assert.equal("goaway COMPRESSION_ERROR", sent(...):fate())
end

describe("A field block", function()
  it("may use the static table", function()
    is_taken(START .. hpack.literal(58, "by index"))
    assert.equal("by index", last()["user-agent"])
  end)

  it("may have literals of each kind, with Huffman and without (§6.2)", function()
    is_taken(START .. hpack.literal("x-a", "1") .. hpack.incremental("x-b", "2")
      .. hpack.never("x-c", "3") .. hpack.incremental(58, "4"))
    assert.equal("1 2 3 4", table.concat({ last()["x-a"], last()["x-b"], last()["x-c"],
      last()["user-agent"] }, " "))
  end)

  it("may be what an encoder with Huffman and tables makes, many times", function()
    local e, blocks = hpack.encoder(), {}
    for i = 1, 20 do
      blocks[i] = e:encode(h2_client.fields { ["x-number"] = "value " .. i, ["x-same"] = "same" })
    end
    is_taken(unpack(blocks))
    local requests, numbers = o:requests(), {}
    for i = #requests - 19, #requests do
      numbers[requests[i].headers["x-number"]] = true
      assert.equal("same", requests[i].headers["x-same"])
    end
    for i = 1, 20 do assert.is_true(numbers["value " .. i]) end
  end)

  it("may use what it brought into the dynamic table, before and after", function()
    local c = sent(START .. hpack.incremental("x-kept", "here"))
    assert.equal(200, c:answer(1).status)
    assert.equal("here", last()["x-kept"])
    c:send(frames.headers(3, START .. hpack.indexed(62) .. hpack.incremental("x-new", "too")
      .. hpack.indexed(62), { end_stream = true }))
    assert.equal(200, c:answer(3).status)
    assert.equal("here", last()["x-kept"])
    assert.equal("too, too", last()["x-new"])
  end)

  it("may begin with changes of the table's size (§6.3)", function()
    is_taken(hpack.table_size(128) .. hpack.table_size(4096) .. START)
    is_taken(hpack.table_size(0) .. START)
  end)
end)

describe("A field block is an error of the connection", function()
  it("with an index that is not in a table (§2.3.3)", function()
    is_error(START .. hpack.indexed(70))
    is_error(START .. hpack.literal(70, "value"))
    is_error(hpack.indexed(2 ^ 28))
  end)

  it("with index 0 (§6.1)", function() is_error(START .. "\128") end)

  it("with a change of the table's size at its end (§4.2)", function()
    is_error(START .. hpack.table_size(100))
  end)

  it("with a size of the table above what SETTINGS allow (§6.3)", function()
    is_error(hpack.table_size(65536 * 1024) .. START)
    is_error(hpack.table_size(4097) .. START)
  end)

  it("with Huffman that is padded wrongly or has EOS (§5.2)", function()
    for _, value in ipairs {
      "\31\255\255", -- more than seven bits of padding
      "\28\100\80", -- padded with zeros
      "\255\255\255\255", -- EOS
    } do
      is_error(START .. string.char(0) .. hpack.text "x-test" .. hpack.text(value, true))
    end
  end)

  it("with a length that goes beyond the block, or a number without end (§5.1)", function()
    is_error(START .. "\0\20x")
    is_error(START .. "\0\255\255\255\255\255\255\255\255\255\1")
  end)
end)

describe("After all of that", function()
  it("the next connection is served", function()
    assert.equal(200, h2_client.connect(n.port):get("/").status)
  end)
end)
