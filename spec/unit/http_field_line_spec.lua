-- RFC 9112 §5, RFC 9110 §5: field lines, the same for requests and responses.
local http = require "unit.http_probe"

local response = { response = true }

-- Refuses lines behind a good first one, in both kinds of message.
local function refused(rows)
  for _, row in ipairs(rows) do
    local lines, reason = "A: b\r\n" .. row[1], row[2]
    http.assert_refused { { http.request(lines), 400, reason } }
    http.assert_refused({ { http.response(lines), 502, reason } }, response)
  end
end

local function value_of(line)
  local got = http.parse(http.request(line .. "\r\n"))
  assert.is_true(got.done, line)
  return got.fields[2].value
end

describe("field line", function()
  it("gives name and value as they came, blanks around the value aside", function()
    local lines = "X-One:two\r\nEmpty:\r\nx_y:  a \t b \t\r\n1!#$%&'*+-.^`|~:x\r\n"
    local got = http.parse(http.request(lines))
    local want = {
      { "Host", "a.example" }, { "X-One", "two" }, { "Empty", "" }, { "x_y", "a \t b" },
      { "1!#$%&'*+-.^`|~", "x" },
    }
    assert.equals(#want, #got.fields)
    for i, field in ipairs(want) do
      assert.equals(field[1], got.fields[i].name)
      assert.equals(field[2], got.fields[i].value)
    end
  end)

  it("takes every visible byte, blank and byte above 127 in a value, and nothing else", function()
    for byte = 0, 255 do
      local c = string.char(byte)
      local fits = byte == 9 or byte >= 32 and byte ~= 127
      for _, around in ipairs { "", ("x"):rep(15), ("y"):rep(40) } do
        local line = "X: " .. around .. "a" .. c .. "b" .. around
        if fits then
          assert.equals(around .. "a" .. c .. "b" .. around, value_of(line))
        else
          assert.equals(400, http.parse(http.request(line .. "\r\n")).status)
          assert.equals(502, http.parse(http.response(line .. "\r\n"), response).status)
        end
      end
    end
  end)

  it("takes only tokens as names", function()
    for byte = 0, 255 do
      local c = string.char(byte)
      local fits = c:find "^[%w!#$%%&'*+%-.^_`|~]$" ~= nil
      for _, name in ipairs { c, "X" .. c, "X" .. c .. "Y", "X_" .. c .. "Z" } do
        local got = http.parse(http.request(name .. ": v\r\n"))
        if fits then
          assert.equals(name, got.fields[2].name)
        elseif c ~= ":" then
          assert.equals(400, got.status, name)
        end
      end
    end
  end)

  it("has a name directly in front of the colon", function()
    refused {
      { "X : y\r\n", "blank before the colon" }, { "X\t: y\r\n", "blank before the colon" },
      { "X Y: z\r\n", "blank before the colon" }, { "Content-Length : 5\r\n" },
      { ": y\r\n", "invalid field name" }, { ":\r\n" }, { " : y\r\n" }, { "X\r\n" }, { "X"
        .. "\r\n\r\n" },
      { "X@: y\r\n" }, { "X(: y\r\n" }, { "\"X\": y\r\n" }, { "X\0: y\r\n", "NUL in header" },
      { "X\n: y\r\n", "bare LF in header" }, { "X\r: y\r\n", "bare CR in header" },
      { "X\239: y\r\n" }, { "\11X: y\r\n" }, { "X\12: y\r\n" }, { "{X}: y\r\n" },
    }
  end)

  it("is not folded, and has no blank in front", function()
    refused {
      { " y\r\n", "folded field line" }, { "\ty\r\n", "folded field line" },
      { " X: y\r\n", "folded field line" }, { " \r\n", "folded field line" },
    }
    http.assert_refused {
      { "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "blank before the first field" },
      { "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", 400, "blank before the first field" },
      { "GET / HTTP/1.1\r\n \r\n\r\n", 400, "blank before the first field" },
    }
    http.assert_refused({ { "HTTP/1.1 200 OK\r\n A: b\r\n\r\n", 502 } }, response)
  end)

  it("ends in CRLF and nothing else", function()
    refused {
      { "X: y\n", "bare LF in header" }, { "X: y\rZ: a\r\n", "bare CR in header" },
      { "X: y\r\r\n", "bare CR in header" }, { "X: \n y\r\n", "bare LF in header" },
      { "\n", "bare LF in header" }, { "\r\r\n", "bare CR in header" }, { "X: \r y\r\n" },
      { "X: y\0\r\n", "NUL in header" }, { "X: \127\r\n", "control character in field value" },
    }
  end)

  it("is refused when its name is a known one with underscores, in requests", function()
    for _, name in ipairs { "Content_Length", "content_LENGTH", "Transfer_Encoding",
      "X_Forwarded_For",
      "X-Forwarded_For", "X_Forwarded_Anything", "X_Real_IP", "Keep_Alive", "Set_Cookie" } do
      http.assert_refused {
        { http.request(name .. ": 1\r\n"), 400, "underscore alias of a guarded field" },
      }
      http.assert_accepted({ http.response(name .. ": 1\r\n") }, response)
    end
    http.assert_accepted {
      http.request "X_Y: 1\r\n", http.request "Content_Length_2: 1\r\n", http.request "_: 1\r\n",
      http.request "_Host: 1\r\n", http.request "Content__Length: 1\r\n",
    }
  end)

  it("is counted", function()
    local limits = { header_bytes = 16384, uri_bytes = 100, headers = 10 }
    for _, kind in ipairs { {}, response } do
      local make = kind.response and http.response or http.request
      local own = kind.response and 0 or 1
      local options = { response = kind.response, limits = limits }
      local status = kind.response and 502 or 431
      assert.equals(10, #http.parse(make(("A: b\r\n"):rep(10 - own)), options).fields)
      http.assert_refused({ { make(("A: b\r\n"):rep(11 - own)), status, "too many fields" } },
        options)
    end
  end)

  it("is part of a bounded head", function()
    local options = { limits = { header_bytes = 200, uri_bytes = 100, headers = 10 } }
    local empty = #http.request "A: \r\n"
    local function sized(n)
      return http.request("A: " .. ("x"):rep(n - empty) .. "\r\n")
    end
    assert.equals(200, http.parse(sized(200), options).bytes)
    assert.is_true(http.parse(sized(200) .. ("more"):rep(100), options).done)
    http.assert_refused({
      { sized(201), 431, "header too large" }, { sized(5000), 431, "header too large" },
      { sized(300):sub(1, 200), 431, "header too large" },
      { "GET / HTTP/1.1\r\n" .. ("N"):rep(300), 431, "header too large" },
      { "GET / " .. ("x"):rep(300), 400 },
    }, options)
    assert.is_true(http.parse(sized(300):sub(1, 199), options).more)
  end)

  it("bounds a name", function()
    local options = { limits = { header_bytes = 200000, uri_bytes = 100, headers = 10 } }
    local head = http.new_head(options)
    local text = "GET / HTTP/1.1\r\n" .. ("N"):rep(70000)
    assert.equals(http.lib.H1_BAD, http.lib.h1_head_parse(head.h, text, #text))
    assert.equals(431, head.h.refusal.status)
  end)
end)
