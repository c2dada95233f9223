-- Everything that neap accepts, llhttp (Node's parser, in strict mode) accepts with the same parts
-- and the same end. Needs Debian's node-llhttp, which brings its C sources; pending without.
local ffi = require "ffi"

local http = require "unit.http_probe"

local SOURCES = "/usr/share/llhttp"

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function compile(to)
  local command = ("cc -shared -fPIC -std=gnu11 -D_GNU_SOURCE -DLLHTTP_STRICT_MODE=1 -Isrc "
    .. "-I/usr/share/include/llhttp -o %s fuzz/diff_llhttp.c %s/llhttp.c %s/api.c %s/http.c "
    .. "$(ls src/http/*.c | grep -v /h2_) src/base/num.c"):format(to, SOURCES, SOURCES, SOURCES)
  assert(os.execute(command) == 0, command)
end

local library

local function load()
  if not library then
    local path = os.tmpname()
    compile(path)
    ffi.cdef "const char *diff_llhttp(bool is_response, const char *bytes, size_t n);"
    library = ffi.load(path)
    os.remove(path)
  end
  return library
end

-- nil where neap refuses or wants more, "" where both agree, else what they differ in.
local function difference(text, is_response)
  local found = load().diff_llhttp(is_response or false, text, #text)
  return found ~= nil and ffi.string(found) or nil
end

local function assert_agree(text, is_response)
  assert.equals("", difference(text, is_response), ("%q"):format(text))
end

local chunked = http.request("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.1")

-- Accepted by neap and read otherwise by llhttp 8.1, each for a reason.
local listed = {
  ["any token is a method; llhttp knows a list"] = { "FROB / HTTP/1.1\r\nHost: a\r\n\r\n" },
  ["llhttp starts the tunnel of a CONNECT at once, neap reads its body first"] = {
    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\nx",
  },
  ["a 304 has no body whatever it says (RFC 9112 §6.3); llhttp waits for one"] = {
    "HTTP/1.1 304 X\r\nTransfer-Encoding: chunked\r\n\r\n", true,
  },
  ["bytes above 127 may stand in a query"] = { "GET /?\195\164 HTTP/1.1\r\nHost: a\r\n\r\n" },
  ["the same with a length (llhttp leaves it to its user)"] = {
    "HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n", true,
  },
  ["neither has a 204 a body (neap ends the connection behind it)"] = {
    "HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\n", true,
  },
  ["llhttp stops at a second chunk extension behind a value"] = {
    chunked .. "1;a=b;c\r\nx\r\n0\r\n\r\n",
  },
}

describe("llhttp", function()
  if not exists(SOURCES .. "/llhttp.c") then
    pending "node-llhttp is not installed"
    return
  end

  it("agrees on requests", function()
    for _, first in ipairs { "GET / HTTP/1.1", "GET /a?b=%zz|{}[]^`\\\"<> HTTP/1.0",
      "OPTIONS * HTTP/1.1",
      "GET http://a.example/ HTTP/1.1", "GET https://a.example?x HTTP/1.1", "HEAD // HTTP/1.1",
      "DELETE /!$&'()*+,;=:@-._~ HTTP/1.1", "PATCH /%7e HTTP/1.1", "POST /? HTTP/1.1" } do
      for _, lines in ipairs { "", "A:\r\n", "A: \t\r\nB:c\r\n", "X_y: \255\128\t!\r\n",
        "Connection: close, x\r\nX: 1\r\n", "TE: trailers\r\n", "Content-Length: 0\r\n" } do
        assert_agree(http.request(lines, first))
        assert_agree(http.request(lines, first) .. "GET /next HTTP/1.1\r\n")
      end
    end
  end)

  it("agrees on upgrades", function()
    local lines = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    assert_agree(http.request(lines))
    assert_agree(http.request(lines .. "Content-Length: 5\r\n") .. "hello")
  end)

  it("agrees on bodies", function()
    assert_agree(http.request "Content-Length: 5\r\n" .. "hello and the next")
    assert_agree(http.request "Content-Length: 0005\r\n" .. "hello")
    for _, body in ipairs { "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n",
      "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
      "0005;a\r\nhello\r\n00\r\nX: y\r\nZ:\r\n\r\n", "1;a=b\r\nx\r\n0;a=\"b c\"\r\n\r\n" } do
      assert_agree(chunked .. body)
      assert_agree(chunked .. body .. "GET / HTTP/1.1\r\n\r\n")
      assert_agree(http.response "Transfer-Encoding: chunked\r\n" .. body .. "HTTP/1.1 200 OK\r\n",
        true)
    end
  end)

  it("agrees on responses", function()
    for _, first in ipairs { "HTTP/1.1 200 OK", "HTTP/1.0 404 Not Found", "HTTP/1.1 500 ",
      "HTTP/1.1 503", "HTTP/1.1 999 X",
      "HTTP/1.1 299 a\tb\255" } do
      assert_agree(http.response("Content-Length: 2\r\n", first) .. "ok", true)
      assert_agree(http.response("", first) .. "until the end", true)
    end
    for _, status in ipairs { 100, 103, 204, 304 } do
      assert_agree(http.response("", "HTTP/1.1 " .. status .. " X") .. "HTTP/1.1 200 OK\r\n", true)
    end
    assert_agree(http.response("Connection: upgrade\r\nUpgrade: x\r\n", "HTTP/1.1 101 X"), true)
  end)

  it("differs only where the list says so, and why", function()
    for why, case in pairs(listed) do
      local found = difference(case[1], case[2])
      assert(found and found ~= "", why .. ": " .. tostring(found))
    end
  end)
end)
