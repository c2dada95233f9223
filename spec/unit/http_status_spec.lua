local http = require "unit.http_probe"

local ffi, lib = http.ffi, http.lib

local function date(seconds)
  local to = ffi.new "char[29]"
  lib.status_date(to, seconds)
  return ffi.string(to, 29)
end

describe("status", function()
  it("has words for codes", function()
    for code, words in pairs { [200] = "OK", [404] = "Not Found", [502] = "Bad Gateway",
      [417] = "Expectation Failed",
      [100] = "Continue", [511] = "Network Authentication Required", [299] = "Unknown",
        [0] = "Unknown" } do
      assert.equals(words, http.text(lib.status_reason(code)))
    end
  end)

  it("writes dates as RFC 9110 wants them", function()
    assert.equals("Sun, 06 Nov 1994 08:49:37 GMT", date(784111777))
    assert.equals("Thu, 01 Jan 1970 00:00:00 GMT", date(0))
    assert.equals("Tue, 29 Feb 2028 23:59:59 GMT", date(1835481599))
    assert.equals("Fri, 31 Dec 9999 23:59:59 GMT", date(253402300799))
    assert.equals(os.date("!%a, %d %b %Y %H:%M:%S GMT", 1700000000), date(1700000000))
  end)
end)
