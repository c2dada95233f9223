-- RFC 9112 §3: request lines and targets.
local http = require "unit.http_probe"

local lib = http.lib

local function line(text)
  return text .. "\r\nHost: a.example\r\n\r\n"
end

local function refused(rows)
  for _, row in ipairs(rows) do row[1] = line(row[1]) end
  http.assert_refused(rows)
end

describe("request line", function()
  it("knows the methods, and takes any other token", function()
    local ids = {
      GET = "METHOD_GET", HEAD = "METHOD_HEAD", POST = "METHOD_POST", PUT = "METHOD_PUT",
      DELETE = "METHOD_DELETE", OPTIONS = "METHOD_OPTIONS", TRACE = "METHOD_TRACE",
      PATCH = "METHOD_PATCH", get = "METHOD_OTHER", GETS = "METHOD_OTHER",
        ["M-SEARCH"] = "METHOD_OTHER",
      ["!#$%&'*+-.^_`|~0aZ"] = "METHOD_OTHER", PROPFIND = "METHOD_OTHER", X = "METHOD_OTHER",
    }
    for method, id in pairs(ids) do
      local got = http.parse(line(method .. " / HTTP/1.1"))
      assert.equals(method, got.method)
      assert.equals(tonumber(lib[id]), got.method_id)
    end
  end)

  it("refuses what is no method, at the first byte that cannot be one", function()
    refused {
      { " GET / HTTP/1.1", 400, "malformed method" }, { "\tGET / HTTP/1.1", 400 },
      { "G@T / HTTP/1.1", 400 }, { "GET\t/ HTTP/1.1", 400 }, { "G\0T / HTTP/1.1", 400 },
      { "\22\3\1", 400, "TLS on an address in the clear" }, { "GET\r\n", 400 },
      { "\r\nGET / HTTP/1.1", 400 }, { "GET:/ HTTP/1.1", 400 },
      { ("M"):rep(33) .. " / HTTP/1.1", 400, "method too long" }, { "G\195\137T / HTTP/1.1", 400 },
    }
    for _, start in ipairs { "\22\3\1", "\128\46\1", "(", "G(", "\0", "\n", "\r\r", "{" } do
      assert.equals(400, http.parse(start).status)
    end
  end)

  it("waits while all may still become a request", function()
    for _, start in ipairs { "", "G", "GET", "GET ", "GET /", "GET / ", "GET / HT",
      "GET / HTTP/1.1",
      "GET / HTTP/1.1\r", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r", "\r" } do
      assert.is_true(http.parse(start).more)
    end
  end)

  it("skips one empty line when told to", function()
    assert.equals(2, tonumber(lib.h1_skip_empty_line("\r\nGET", 5)))
    assert.equals(0, tonumber(lib.h1_skip_empty_line("\r", 1)))
    assert.equals(0, tonumber(lib.h1_skip_empty_line("\nGET", 4)))
    assert.equals(0, tonumber(lib.h1_skip_empty_line("GET", 3)))
  end)

  it("takes HTTP/1.0 and HTTP/1.1 only", function()
    assert.equals(1, http.parse(line "GET / HTTP/1.1").minor)
    assert.equals(0, http.parse(line "GET / HTTP/1.0").minor)
    refused {
      { "GET / HTTP/0.9", 505 }, { "GET / HTTP/1.2", 505 }, { "GET / HTTP/2.0", 505 },
      { "GET / HTTP/9.9", 505 }, { "PRI * HTTP/2.0", 505 }, { "GET / HTTP/3.1", 505 },
      { "GET / http/1.1", 400, "malformed HTTP version" }, { "GET / HTTP/1", 400 },
      { "GET / HTTP/1.", 400 }, { "GET / HTTP/1.1.1", 400 }, { "GET / HTTP/01.1", 400 },
      { "GET / HTTP/1.10", 400 }, { "GET / HTTP/11", 400 }, { "GET / HTTP/2", 400 },
      { "GET / HTTP /1.1", 400 }, { "GET / HTTP/ 1.1", 400 }, { "GET / HTTP/+1.1", 400 },
      { "GET / HTTPS/1.1", 400 }, { "GET / Http/1.1", 400 }, { "GET / HTTP/1,1", 400 },
      { "GET / XHTTP/1.1", 400 }, { "GET / HTTP/a.b", 400 }, { "GET / HTTP/1.\1", 400 },
    }
  end)

  it("has exactly one space between its parts and none behind", function()
    refused {
      { "GET  / HTTP/1.1", 400, "more than one space in request line" },
      { "GET /  HTTP/1.1", 400 }, { "GET / HTTP/1.1 ", 400 }, { "GET / HTTP/1.1\t", 400 },
      { "GET /\tHTTP/1.1", 400 }, { "GET\11/ HTTP/1.1", 400 }, { "GET / x HTTP/1.1", 400 },
      { "GET /", 400, "no HTTP version" }, { "GET / ", 400 }, { "GET", 400 }, { "GET  ", 400 },
    }
  end)

  it("ends in CRLF", function()
    http.assert_refused {
      { "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "bare LF in header" },
      { "GET / HTTP/1.1\rHost: a\r\n\r\n", 400, "bare CR" },
      { "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, "bare CR" },
      { "GET /\n\n", 400 }, { "GET / HTTP/1.1\0\r\n\r\n", 400, "NUL in header" },
    }
  end)

  it("refuses bytes that cannot stand in a target", function()
    local nowhere = { ["#"] = true, ["\127"] = true }
    for byte = 0, 32 do nowhere[string.char(byte)] = true end
    for byte = 0, 255 do
      local c = string.char(byte)
      local in_path = not nowhere[c] and byte < 128 and not ('"\\<>%'):find(c, 1, true)
      local got = http.parse(line("GET /a" .. c .. "b HTTP/1.1"))
      assert.equals(not in_path and 400 or nil, got.status, byte)
      got = http.parse(line("GET /?a" .. c .. "b HTTP/1.1"))
      assert.equals(nowhere[c] and 400 or nil, got.status, byte)
    end
    assert.equals("fragment in target", http.parse(line "GET /a#b HTTP/1.1").reason)
    assert.equals("fragment in target", http.parse(line "GET /?a#b HTTP/1.1").reason)
  end)

  it("keeps all other bytes as they are", function()
    local targets = {
      "/", "//", "/../a/./b", "/a;b=c,d", "/%7Euser/a%2fb", "/%00", "/a?b", "/a?b?c", "/?",
      "/a?x=%zz&y=%", "/!$&'()*+,;=:@-._~", "/a|b^c`d{e}[f]", "/?q=a\\b|{}[]^`", "/?%",
      '/?up{job="a"}<b>', "/?\195\164\255\128",
    }
    for _, target in ipairs(targets) do
      local got = http.parse(line("GET " .. target .. " HTTP/1.1"))
      assert.equals(target, got.target)
      assert.equals(target:match "^[^?]*", got.path)
      assert.equals(target:find("?", 1, true) ~= nil, got.has_query)
      assert.equals(target:match "^[^?]*%?(.*)$" or "", got.query)
    end
  end)

  it("wants two hex digits behind a % in the path", function()
    for _, path in ipairs { "/%", "/%2", "/%g0", "/%0g", "/%%41", "/a%2?b", "/%u0041", "/% 41" } do
      assert.equals(400, http.parse(line("GET " .. path .. " HTTP/1.1")).status)
    end
  end)

  it("takes the four forms of target where they belong", function()
    local function form(first)
      local got = http.parse(first .. "\r\nHost: a.example:443\r\n\r\n")
      return got.form, got.path, got.host, got.query, got.reason
    end
    assert.same({ 1, "/x", "a.example:443", "y" },
      { form "GET http://a.example:443/x?y HTTP/1.1" })
    assert.same({ 1, "/", "a.example", "" }, { form "GET HTTPS://a.example HTTP/1.1" })
    assert.same({ 1, "/", "A.example:0443", "q=/" },
      { form "GET https://A.example:0443?q=/ HTTP/1.1" })
    assert.same({ 2, "/", "a.example:443", "" }, { form "CONNECT a.example:443 HTTP/1.1" })
    assert.same({ 3, "*", "a.example:443", "" }, { form "OPTIONS * HTTP/1.1" })
    assert.same({ 3, "*", "a.example", "" }, { form "OPTIONS https://a.example HTTP/1.1" })
    assert.same({ 1, "/", "a.example", "" }, { form "OPTIONS https://a.example/ HTTP/1.1" })
  end)

  it("refuses them elsewhere", function()
    refused {
      { "GET * HTTP/1.1", 400, "target * without OPTIONS" }, { "OPTIONS ** HTTP/1.1", 400 },
      { "OPTIONS *?a HTTP/1.1", 400 }, { "GET a.example:80 HTTP/1.1", 400, "invalid target" },
      { "GET a HTTP/1.1", 400 }, { "GET ?a HTTP/1.1", 400 }, { "GET .. HTTP/1.1", 400 },
      { "GET ftp://a.example/ HTTP/1.1", 400 }, { "GET http:/a.example/ HTTP/1.1", 400 },
      { "GET http:a.example/ HTTP/1.1", 400 }, { "GET http:///x HTTP/1.1", 400 },
      { "GET http:// HTTP/1.1", 400 }, { "GET http://?x HTTP/1.1", 400 },
      { "GET http://u@a.example/ HTTP/1.1", 400, "user information in target" },
      { "GET http://u:p@a.example/ HTTP/1.1", 400 }, { "GET http://a.example:x/ HTTP/1.1", 400 },
      { "GET http://[::1/ HTTP/1.1", 400 }, { "GET http://a.example:65536/ HTTP/1.1", 400 },
      { "CONNECT / HTTP/1.1", 400 }, { "CONNECT a.example HTTP/1.1", 400 },
      { "CONNECT a.example: HTTP/1.1", 400 }, { "CONNECT http://a.example/ HTTP/1.1", 400 },
      { "CONNECT a.example:1/x HTTP/1.1", 400 }, { "CONNECT * HTTP/1.1", 400 },
    }
  end)

  it("bounds the URI", function()
    local limits = { header_bytes = 400, uri_bytes = 100, headers = 10 }
    local function get(n)
      return http.parse(line("GET /" .. ("a"):rep(n - 1) .. " HTTP/1.1"), { limits = limits })
    end
    assert.is_true(get(100).done)
    assert.equals(414, get(101).status)
    assert.equals(414, get(1000).status)
    assert.equals(414, http.parse("GET /" .. ("a"):rep(101), { limits = limits }).status)
    assert.equals(414, http.parse("GET /?" .. ("a"):rep(99) .. "%", { limits = limits }).status)
    assert.equals(414, http.parse("GET /" .. ("a"):rep(99) .. "%zz", { limits = limits }).status)
  end)
end)
