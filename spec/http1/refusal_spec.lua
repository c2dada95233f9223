local client = require "support.client"
local proxied = require "support.proxied"

local H = "Host: a\r\n"
local CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

local function field(text) return "GET / HTTP/1.1\r\nHost: a\r\n" .. text .. "\r\n\r\n" end

local function target(text) return "GET " .. text .. " HTTP/1.1\r\nHost: a\r\n\r\n" end

local function body(text) return "POST / HTTP/1.1\r\nHost: a\r\n" .. text .. "\r\n\r\nhello" end

local REFUSED = {
  [400] = {
    ["an empty method"] = " / HTTP/1.1\r\n" .. H .. "\r\n",
    ["a method that is no token"] = "GE(T / HTTP/1.1\r\n" .. H .. "\r\n",
    ["two spaces in the request line"] = "GET  / HTTP/1.1\r\n" .. H .. "\r\n",
    ["no version"] = "GET /\r\n" .. H .. "\r\n",
    ["a tab for a space"] = "GET\t/ HTTP/1.1\r\n" .. H .. "\r\n",
    ["something behind the version"] = "GET / HTTP/1.1 x\r\n" .. H .. "\r\n",
    ["a version in lower case"] = "GET / http/1.1\r\n" .. H .. "\r\n",
    ["a version with a sign"] = "GET / HTTP/+1.1\r\n" .. H .. "\r\n",
    ["bare LF"] = "GET / HTTP/1.1\nHost: a\n\n",
    ["bare LF behind a field"] = "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    ["bare CR"] = "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
    ["TLS"] = "\22\3\1\2\0\1\0\1\252\3\3",
    ["control bytes in the target"] = target "/\1",
    ["DEL in the target"] = target "/\127",
    ["bytes beyond ASCII in the target"] = target "/\195\182",
    ["a fragment"] = target "/a#b",
    ["a half percent"] = target "/%2",
    ["a bad percent"] = target "/%zz",
    ["a backslash in the path"] = target "/a\\b",
    ["authority form for GET"] = target "a:80",
    ["asterisk form for GET"] = target "*",
    ["a relative target"] = target "a/b",
    ["another scheme"] = target "ftp://a/",
    ["user information"] = target "http://u@a/",
    ["an absolute target that disagrees with Host"] = target "http://b/",
    ["no Host"] = "GET / HTTP/1.1\r\n\r\n",
    ["two Hosts"] = field "Host: a",
    ["an empty Host"] = "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    ["a list of Hosts"] = "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    ["a Host with a path"] = "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    ["a Host with user information"] = "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
    ["a Host with a bad port"] = "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
    ["a space before the colon"] = field "X : y",
    ["an empty name"] = field ": y",
    ["a name that is no token"] = field "X(y): z",
    ["no colon"] = field "X",
    ["a folded line"] = field "X: y\r\n z",
    ["a blank before the first field"] = "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    ["NUL in a value"] = field "X: a\0b",
    ["a control byte in a value"] = field "X: a\1b",
    ["an alias of Content-Length"] = field "Content_Length: 5",
    ["an alias of Transfer-Encoding"] = field "Transfer_Encoding: chunked",
    ["a signed length"] = body "Content-Length: +5",
    ["a negative length"] = body "Content-Length: -5",
    ["a hexadecimal length"] = body "Content-Length: 0x5",
    ["an empty length"] = body "Content-Length:",
    ["a length with blanks inside"] = body "Content-Length: 5 5",
    ["a fraction as length"] = body "Content-Length: 5.0",
    ["a list as length"] = body "Content-Length: 5, 5",
    ["two equal lengths"] = body "Content-Length: 5\r\nContent-Length: 5",
    ["two lengths"] = body "Content-Length: 5\r\nContent-Length: 6",
    ["a length beyond all numbers"] = body "Content-Length: 18446744073709551621",
    ["length and coding"] = body "Content-Length: 5\r\nTransfer-Encoding: chunked",
    ["coding and length"] = body "Transfer-Encoding: chunked\r\nContent-Length: 5",
    ["chunked twice"] = body "Transfer-Encoding: chunked, chunked",
    ["chunked in two fields"] = body "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    ["chunked not last"] = body "Transfer-Encoding: chunked, gzip",
    ["identity"] = body "Transfer-Encoding: identity",
    ["an empty coding"] = body "Transfer-Encoding:",
    ["a coding disguised by a control byte"] = body "Transfer-Encoding: \11chunked",
    ["a coding in HTTP/1.0"] = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ["a chunk size that is none"] = CHUNKED .. "x\r\nhello\r\n0\r\n\r\n",
    ["a chunk size with a prefix"] = CHUNKED .. "0x5\r\nhello\r\n0\r\n\r\n",
    ["a chunk size with a sign"] = CHUNKED .. "+5\r\nhello\r\n0\r\n\r\n",
    ["a chunk size with a blank"] = CHUNKED .. "5 \r\nhello\r\n0\r\n\r\n",
    ["a chunk size beyond all numbers"] = CHUNKED .. "10000000000000005\r\nhello\r\n0\r\n\r\n",
    ["an empty chunk size"] = CHUNKED .. "\r\nhello\r\n0\r\n\r\n",
    ["a chunk line with bare LF"] = CHUNKED .. "5\nhello\r\n0\r\n\r\n",
    ["a chunk without its CRLF"] = CHUNKED .. "5\r\nhelloX\r\n0\r\n\r\n",
    ["a chunk that ends in LF"] = CHUNKED .. "5\r\nhello\n0\r\n\r\n",
    ["a chunk extension with a bare CR"] = CHUNKED .. "5;a\rb\r\nhello\r\n0\r\n\r\n",
    ["endless chunk extensions"] = CHUNKED .. "5;" .. ("a"):rep(2000) .. "\r\nhello\r\n0\r\n\r\n",
    ["a malformed trailer"] = CHUNKED .. "0\r\nX : y\r\n\r\n",
  },
  [414] = { ["a long target"] = target("/" .. ("a"):rep(8192)) },
  [417] = { ["another expectation"] = body "Content-Length: 5\r\nExpect: 200-ok" },
  [431] = {
    ["a long field"] = field("X: " .. ("a"):rep(17000)),
    ["many fields"] = field(("X: y\r\n"):rep(100) .. "X: z"),
    ["endless fields"] = "GET / HTTP/1.1\r\n" .. ("X: " .. ("a"):rep(1000) .. "\r\n"):rep(50),
  },
  [501] = {
    ["an unknown coding"] = body "Transfer-Encoding: gzip",
    ["an unknown coding before chunked"] = body "Transfer-Encoding: gzip, chunked",
    ["a coding that only looks like chunked"] = body "Transfer-Encoding: xchunked",
  },
  [505] = {
    ["HTTP/2.0"] = "GET / HTTP/2.0\r\n" .. H .. "\r\n",
    ["HTTP/1.2"] = "GET / HTTP/1.2\r\n" .. H .. "\r\n",
    ["the preface of HTTP/2"] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ["HTTP/0.9"] = "GET / HTTP/0.9\r\n\r\n",
  },
}

describe("a request is refused, never forwarded:", function()
  local n, web

  setup(function() n, web = proxied.start({}, "http2 = false") end)

  after_each(function() assert.equal(0, web:connections()) end)

  for status, cases in pairs(REFUSED) do
    for name, bytes in pairs(cases) do
      it(("%s is %d"):format(name, status), function()
        local c = client.connect(n.address)
        c:try_send(bytes .. "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n")
        local response = c:read_response()
        assert.equal(status, response.status)
        assert.is_true(#response.headers["x-neap-error"] > 0)
        assert.equal("close", response.headers.connection)
        assert.matches("^text/plain", response.headers["content-type"])
        assert.is_truthy(response.body:find(response.headers["x-neap-error"], 1, true))
        assert.equal("", c:receive_all())
      end)
    end
  end
end)
