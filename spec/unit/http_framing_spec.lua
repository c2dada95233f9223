-- RFC 9112 §6: how long the body of a request is; one reading or none.
local http = require "unit.http_probe"

local lib = http.lib

local function post(lines)
  return http.request(lines, "POST / HTTP/1.1")
end

local function refused(rows)
  for _, row in ipairs(rows) do row[1] = post(row[1]) end
  http.assert_refused(rows)
end

local function framing(lines, first)
  local got = http.parse(http.request(lines, first or "POST / HTTP/1.1"))
  assert.is_true(got.done, got.reason)
  return got.framing, got.length
end

describe("request framing", function()
  it("has no body without a length, whatever the method", function()
    for _, method in ipairs { "GET", "POST", "PUT", "DELETE", "X", "HEAD" } do
      assert.equals(tonumber(lib.FRAMING_NONE), framing("", method .. " / HTTP/1.1"))
    end
    local got = http.parse(post "Content-Length: 0\r\n")
    assert.equals(tonumber(lib.FRAMING_NONE), got.framing)
    assert.is_true(http.has_flag(got, "HTTP_HAS_LENGTH"))
  end)

  it("reads a Content-Length", function()
    local length = tonumber(lib.FRAMING_LENGTH)
    assert.same({ length, 5 }, { framing "Content-Length: 5\r\n" })
    assert.same({ length, 5 }, { framing "CONTENT-length:\t 005 \t\r\n" })
    assert.same({ length, 5 }, { framing("Content-Length: 5\r\n", "GET / HTTP/1.0") })
    local _, head = http.parse(post "Content-Length: 9223372036854775807\r\n")
    assert.is_true(head.h.length == 9223372036854775807ULL)
  end)

  it("refuses any other Content-Length", function()
    for _, value in ipairs {
      "", "+5", "-5", "-0", "0x5", "5a", "a", "5 5", "5,", "5,5", "5, 5", ",5", "5;a", "5.0", "1e3",
      "\"5\"", "'5'", "9223372036854775808", "18446744073709551616", "18446744073709551621",
      "99999999999999999999999999", "5_0", "\194\1785", "\239\188\149", "5\9" .. "5",
    } do
      refused { { "Content-Length: " .. value .. "\r\n", 400, "invalid Content-Length" } }
    end
    refused {
      { "Content-Length: 5\r\nContent-Length: 5\r\n", 400, "repeated Content-Length" },
      { "Content-Length: 5\r\nA: b\r\ncontent-length: 6\r\n", 400, "repeated Content-Length" },
      { "Content-Length: 0\r\nContent-Length: 0\r\n", 400 }, { "Content-Length: 5\11\r\n", 400 },
      { "Content-Length:\11" .. "5\r\n", 400 }, { "Content-Length: 5\r\n 6\r\n", 400 },
    }
  end)

  it("reads chunked", function()
    local chunked = tonumber(lib.FRAMING_CHUNKED)
    for _, value in ipairs { "chunked", "Chunked", "CHUNKED", " \tchunked\t " } do
      assert.equals(chunked, framing("Transfer-Encoding:" .. value .. "\r\n"))
    end
    assert.equals(chunked, framing("Transfer-Encoding: chunked\r\n", "GET / HTTP/1.1"))
  end)

  it("does not know any other coding", function()
    for _, value in ipairs { "gzip", "gzip, chunked", "deflate,chunked", "xchunked", "chunkedx",
      "x",
      "gzip;level=1, chunked", "gzip, deflate", "compress", "trailers", "chunke", "cow" } do
      refused { { "Transfer-Encoding: " .. value .. "\r\n", 501, "unknown transfer coding" } }
    end
    refused { { "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501 } }
  end)

  it("refuses a Transfer-Encoding that could be read in two ways", function()
    refused {
      { "Transfer-Encoding: chunked, chunked\r\n", 400, "chunked applied twice" },
      { "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400,
        "chunked applied twice" },
      { "Transfer-Encoding: chunked, gzip\r\n", 400, "chunked is not the last coding" },
      { "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", 400,
        "chunked is not the last coding" },
      { "Transfer-Encoding: chunked, identity\r\n", 400 },
      { "Transfer-Encoding: identity\r\n", 400, "transfer coding identity" },
      { "Transfer-Encoding: identity, chunked\r\n", 400 },
    }
    for _, value in ipairs { "", ",", "chunked,", ",chunked", "chunked,,", "gzip,,chunked",
      "chunked;a=b", "chunked;", "\"chunked\"", "'chunked' x", "chunked chunked", "chun ked",
      "chunked\tx", "gzip chunked", "chunked; q=1", "=chunked", "[chunked]", "chunked/1" } do
      refused { { "Transfer-Encoding: " .. value .. "\r\n", 400, "malformed Transfer-Encoding" } }
    end
    for _, value in ipairs { "\11chunked", "chunked\11", "chunked\0", "\12chunked",
      "chunked\127" } do
      refused { { "Transfer-Encoding: " .. value .. "\r\n", 400 } }
    end
    refused {
      { "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", 400 },
      { "Transfer-Encoding :chunked\r\n", 400, "blank before the colon" },
      { " Transfer-Encoding: chunked\r\n", 400, "folded field line" },
      { "Transfer-Encoding:\r\n chunked\r\n", 400, "folded field line" },
    }
  end)

  it("refuses Transfer-Encoding beside Content-Length, in either order", function()
    local reason = "Content-Length with Transfer-Encoding"
    refused {
      { "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400, reason },
      { "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400, reason },
      { "Transfer-Encoding: gzip\r\nContent-Length: 0\r\n", 400, reason },
      { "Transfer-Encoding: identity\r\nContent-Length: 5\r\n", 400, reason },
    }
  end)

  it("refuses Transfer-Encoding in HTTP/1.0", function()
    http.assert_refused {
      { http.request("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0"), 400,
        "Transfer-Encoding in HTTP/1.0" },
      { http.request("Transfer-Encoding: x\r\n", "POST / HTTP/1.0"), 400 },
    }
  end)
end)
