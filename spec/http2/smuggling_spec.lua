-- What HTTP/2 can carry and HTTP/1 cannot never comes to a backend of HTTP/1 as something else
-- (RFC 9113 §10.3): each request there was one here, with the fields that it had here.
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local proxied = require "support.proxied"

local n, o

setup(function()
  n, o = proxied.start(function(conn)
    local body = conn:read_body()
    return { headers = { ["X-Length"] = #(body or "") }, body = "whole" }
  end)
end)

local function list_of(more) return h2_client.fields(more) end

-- → outcome and what the backend got of it
local function try(list, bytes)
  local seen, c = #o:requests(), h2_client.connect(n.port)
  c:head(1, list, { end_stream = not bytes })
  if bytes then c:send(bytes) end
  local outcome = c:outcome(1)
  assert.equal(200, h2_client.connect(n.port):get("/alive").status)
  local got = {}
  for i, request in ipairs(o:requests()) do
    if i > seen and request.target ~= "/alive" then got[#got + 1] = request end
  end
  return outcome, got
end

local function is_refused(list, bytes)
  local outcome, got = try(list, bytes)
  assert.is_truthy(outcome == "reset PROTOCOL_ERROR" or outcome == "answer 400",
    ("%s: %s"):format(require("cjson").encode(list), outcome))
  for _, request in ipairs(got) do assert.is_false(request.complete) end
  return outcome
end

local CONTROLS = { "\0", "\r", "\n", "\r\n", "\r\nx-evil: 1", "\n x", "\r\n\r\nGET /evil HTTP/1.1" }

describe("The value of a field", function()
  it("has no CR, LF or NUL, wherever", function()
    for _, bad in ipairs(CONTROLS) do
      for _, value in ipairs { bad .. "v", "v" .. bad, "v" .. bad .. "v" } do
        assert.equal("reset PROTOCOL_ERROR", is_refused(list_of { ["x-test"] = value }))
      end
    end
  end)

  it("has no other control characters, and neither begins nor ends with a blank", function()
    for _, value in ipairs { "a\1b", "a\127b", " a", "a ", "\ta", "a\t" } do
      is_refused(list_of { ["x-test"] = value })
    end
  end)

  it("may have tabs inside, bytes above 127, and be empty", function()
    for _, value in ipairs { "a\tb", "caf\195\169", "", "a  b" } do
      local outcome, got = try(list_of { ["x-test"] = value })
      assert.equal("answer 200", outcome)
      assert.equal(value, got[1].headers["x-test"])
    end
  end)
end)

describe("The name of a field", function()
  it("is a token in lower case", function()
    for _, name in ipairs {
      "x test", "x:test", "x\0test", "x\r\ntest", "x\ntest", "x(test", "x\127", "x\195\169",
      "X-Test",
      "", " ", "x-test ", " x-test", "x-test:", "x/y", "x\t", "a:b: c\r\nd", "transfer-encoding ",
      "content-length\0",
    } do
      is_refused(list_of { { name, "1" } })
    end
  end)
end)

describe("The path", function()
  it("is one of origin form: no blanks, controls, fragments, nor whole URLs", function()
    for _, path in ipairs {
      "/a b", "/a\r\nx-evil: 1", "/a\n", "/a\0", "/a\t", "a", "?q", "http://evil.test/", "//\r\n",
      "/ HTTP/1.1\r\nHost: evil.test\r\n\r\nGET /evil", "/a#f", "#f", " /", "/ ", "*", "\\a",
      "/\127",
    } do
      is_refused(list_of { [":path"] = path })
    end
  end)

  it("may be * for OPTIONS, and have what paths have", function()
    local outcome, got = try(list_of { [":method"] = "OPTIONS", [":path"] = "*" })
    assert.equal("answer 200", outcome)
    assert.equal("*", got[1].target)
    for _, path in ipairs { "/a%20b?c=d&e[]=%00", "//a", "/a/../b", "/;x=1" } do
      outcome, got = try(list_of { [":path"] = path })
      assert.equal("answer 200", outcome)
      assert.equal(path, got[1].target)
    end
  end)
end)

describe("The method and the scheme", function()
  it("are tokens", function()
    for _, method in ipairs { "", "GE T", "GET /evil HTTP/1.1\r\nx: ", "GET\r\n", "G\0", "GET:" } do
      is_refused(list_of { [":method"] = method })
    end
    for _, scheme in ipairs { "", "ht tp", "http\r\n", "http://evil.test/x?", "http:", "1\0" } do
      is_refused(list_of { [":scheme"] = scheme })
    end
  end)
end)

describe("The authority", function()
  it("is a host and a port", function()
    for _, authority in ipairs {
      "a b", "a\r\nx: 1", "a\0", "user@a.test", "a.test/evil", "a.test#", "a.test?x", "a,b", "a\tb",
      "a.test:80:81", "a.test:x",
    } do
      is_refused(list_of { [":authority"] = authority })
    end
  end)

  it("becomes Host, whether or not the same host came as a field", function()
    for _, list in ipairs {
      list_of(), list_of { ["host"] = "a.test" },
      list_of { [":authority"] = false, ["host"] = "a.test" },
    } do
      local outcome, got = try(list)
      assert.equal("answer 200", outcome)
      local _, count = got[1].raw:lower():gsub("\r\nhost: [^\r]*", "")
      assert.equal(1, count)
      assert.equal("a.test", got[1].headers.host)
    end
  end)

  it("and a Host that differ are refused, as are two Hosts and none at all", function()
    is_refused(list_of { ["host"] = "evil.test" })
    is_refused(list_of { [":authority"] = false, { "host", "a.test" }, { "host", "evil.test" } })
    is_refused(list_of { [":authority"] = false })
    is_refused(list_of { [":authority"] = "" })
    is_refused(list_of { [":authority"] = false, ["host"] = "" })
  end)
end)

describe("The framing", function()
  local EVIL = "0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a.test\r\n\r\n"

  it("is that of HTTP/2 alone: no transfer-encoding, in any disguise", function()
    for _, name in ipairs { "transfer-encoding", "Transfer-Encoding", "transfer-encoding\0" } do
      for _, value in ipairs { "chunked", "identity", "chunked, identity", "xchunked" } do
        is_refused(list_of { [":method"] = "POST", [name] = value },
          frames.data(1, EVIL, { end_stream = true }))
      end
    end
  end)

  it("makes one request of one, whatever its bytes look like", function()
    for _, more in ipairs { {}, { ["content-length"] = tostring(#EVIL) } } do
      more[":method"] = "POST"
      local outcome, got = try(list_of(more), frames.data(1, EVIL, { end_stream = true }))
      assert.equal("answer 200", outcome)
      assert.equal(1, #got)
      assert.equal(EVIL, got[1].body)
    end
  end)

  it("of a GET with a body has one too, at the backend", function()
    local outcome, got = try(list_of(), frames.data(1, EVIL, { end_stream = true }))
    assert.equal("answer 200", outcome)
    assert.equal(1, #got)
    assert.equal(#EVIL, got[1].length)
  end)

  it("of a request without a body has none at the backend", function()
    local _, got = try(list_of { [":method"] = "POST" })
    assert.is_true((got[1].headers["content-length"] or "0") == "0")
    assert.is_nil(got[1].headers["transfer-encoding"])
  end)

  it("that says more than comes never ends at the backend", function()
    is_refused(list_of { [":method"] = "POST", ["content-length"] = "100" },
      frames.data(1, EVIL, { end_stream = true }))
  end)
end)

describe("Trailers", function()
  it("bring no fields that say how a message is framed or where it goes", function()
    for _, name in ipairs {
      "content-length", "transfer-encoding", "host", "connection", "trailer",
    } do
      local bytes = frames.data(1, "body") .. frames.headers(1,
        require("support.hpack").block { { name, "7" }, { "x-end", "1" } }, { end_stream = true })
      local _, got = try(list_of { [":method"] = "POST" }, bytes)
      for _, request in ipairs(got) do
        assert.is_nil((request.trailers or {})[name])
      end
    end
  end)

  it("bring no bytes that HTTP/1 would take for another line", function()
    for _, bad in ipairs(CONTROLS) do
      local bytes = frames.data(1, "body") .. frames.headers(1,
        require("support.hpack").block { { "x-end", "a" .. bad .. "b" } }, { end_stream = true })
      is_refused(list_of { [":method"] = "POST" }, bytes)
    end
  end)
end)

describe("Cookies", function()
  it("in crumbs come to the backend as one field (§8.2.3)", function()
    local _, got = try(list_of {
      { "cookie", "a=1" }, { "x-between", "1" }, { "cookie", "b=2; c=3" }, { "cookie", "d=4" },
    })
    assert.equal("a=1; b=2; c=3; d=4", got[1].headers.cookie)
    local _, count = got[1].raw:lower():gsub("\r\ncookie:", "")
    assert.equal(1, count)
  end)
end)

describe("What neap says itself", function()
  it("cannot be said by a client: X-Forwarded-For, Forwarded, Client-Cert", function()
    local _, got = try(list_of { ["x-forwarded-for"] = "6.6.6.6", ["client-cert"] = ":evil:",
      ["x-forwarded-proto"] = "https" })
    local raw = got[1].raw:lower()
    assert.is_nil(raw:find("6.6.6.6", 1, true))
    assert.is_nil(raw:find("evil", 1, true))
    assert.is_nil(raw:find("https", 1, true))
  end)
end)
