-- What the pool of a mirror gets.
local client = require "support.client"
local eventually = require "support.eventually"
local h2_server = require "support.h2_server"
local mirrored = require "support.mirrored"
local origin = require "support.origin"
local proxied = require "support.proxied"

local function requests(o, count)
  return eventually(function()
    local list = o:requests()
    return #list >= count and list[count].complete and list
  end)
end

local function post(n, path, body)
  return client.request(n.address, ("POST %s HTTP/1.1\r\nHost: a.test\r\nX-One: 1\r\n"
    .. "Content-Length: %d\r\n\r\n"):format(path, #body) .. body)
end

describe("a mirror", function()
  it("gets a copy of each request, and only the answer of the pool goes to the client", function()
    local main, copy = origin.start { name = "main" }, origin.start { name = "copy" }
    local n = mirrored.start({ main }, { copy })
    for _ = 1, 3 do assert.equal("main", n:get("/a?b=c", { ["X-One"] = "1" }).body) end
    local got = requests(copy, 3)
    assert.equal("/a?b=c", got[1].target)
    assert.equal("1", got[1].headers["x-one"])
    assert.equal(main:requests()[1].raw, got[1].raw)
    local counts = mirrored.counted(n, "answered", 3)
    assert.same({ 3, 0, "m" }, { counts.sent, counts.failed, counts.pool })
  end)

  it("gets bodies, with a length and in chunks", function()
    local main, copy = origin.start {}, origin.start {}
    local n = mirrored.start({ main }, { copy })
    local body = proxied.pattern(20000)
    assert.equal(200, post(n, "/", body).status)
    assert.equal(200, client.request(n.address, "POST /c HTTP/1.1\r\nHost: a\r\n"
      .. "Transfer-Encoding: chunked\r\n\r\n" .. proxied.chunked { "one", "two" }).status)
    local got = requests(copy, 2)
    assert.equal(body, got[1].body)
    assert.equal("onetwo", got[2].body)
  end)

  it("gets a body that comes in pieces", function()
    local main, copy = origin.start {}, origin.start {}
    local n = mirrored.start({ main }, { copy })
    local c = client.connect(n.address)
    c:send "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc"
    eventually(function() return main:requests()[1] end)
    assert.same({}, copy:requests())
    c:send "def"
    assert.equal(200, c:read_response().status)
    assert.equal("abcdef", requests(copy, 1)[1].body)
  end)

  it("gets no body that is longer than what is kept, and that is counted", function()
    local main, copy = origin.start {}, origin.start {}
    local n = mirrored.start({ main }, { copy }, { p = "retry = { body_bytes = 1000 }" })
    assert.equal(200, post(n, "/long", ("x"):rep(300000)).status)
    assert.equal(200, post(n, "/short", "x").status)
    assert.equal("/short", requests(copy, 1)[1].target)
    local counts = mirrored.counted(n, "answered", 1)
    assert.same({ 1, 1 }, { counts.sent, counts.skipped.body })
    assert.equal(1, #copy:requests())
  end)

  it("gets what the request hook changed, the same id, and asks the hook once", function()
    local main, copy = origin.start {}, origin.start {}
    local n = mirrored.start({ main }, { copy }, { service = [[request_id = "X-Request-Id",
      policy = {
        request = function(request)
          print "REQUEST"
          request:set_path("/other")
          request:set_header("X-Set", request.id)
        end,
        response = function() print "RESPONSE" end,
        log = function(_, o) print("LOG " .. o.status) end,
      },]] })
    assert.equal(200, n:get("/").status)
    local got = requests(copy, 1)[1]
    assert.equal("/other", got.target)
    assert.equal(main:requests()[1].raw, got.raw)
    assert.equal(got.headers["x-set"], got.headers["x-request-id"])
    mirrored.counted(n, "answered", 1)
    for _, word in ipairs { "REQUEST", "RESPONSE", "LOG 200" } do
      n:wait_log(word)
      assert.equal(1, n:count_log(word), word)
    end
  end)

  it("gets the body that a hook put in the place of the client's", function()
    local main, copy = origin.start {}, origin.start {}
    local n = mirrored.start({ main }, { copy }, { service = [[policy = {
      request = function(request) request:set_body("new " .. request:body(100)) end }]] })
    assert.equal(200, post(n, "/", "words").status)
    assert.equal("new words", requests(copy, 1)[1].body)
    assert.equal(main:requests()[1].raw, requests(copy, 1)[1].raw)
  end)

  it("gets its share, by the dice", function()
    local main, copy = origin.start {}, origin.start {}
    local n = mirrored.start({ main }, { copy }, { mirror = "share = 0.5" })
    local c = client.connect(n.address)
    for _ = 1, 200 do assert.equal(200, c:request("GET", "/").status) end
    local counts = eventually(function()
      local counts = mirrored.counts(n)
      return counts.sent == counts.answered and counts
    end)
    assert.is_true(counts.sent > 60 and counts.sent < 140, counts.sent)
  end)

  it("spreads copies by its own pool's policy", function()
    local main, copies = origin.start {}, origin.several(2)
    local n = mirrored.start({ main }, copies, { m = [[policy = {
      pick = function(_, pool) return pool[2] end }]] })
    for _ = 1, 4 do assert.equal(200, n:get("/").status) end
    mirrored.counted(n, "answered", 4)
    assert.equal(0, #copies[1]:requests())
    assert.equal(4, #copies[2]:requests())
  end)

  it("spreads copies in turn by default", function()
    local main, copies = origin.start {}, origin.several(2)
    local n = mirrored.start({ main }, copies)
    for _ = 1, 4 do assert.equal(200, n:get("/").status) end
    mirrored.counted(n, "answered", 4)
    assert.same({ 2, 2 }, { #copies[1]:requests(), #copies[2]:requests() })
  end)

  it("may speak HTTP/2", function()
    local main, copy = origin.start { name = "main" }, h2_server.start {}
    local n = mirrored.start({ main }, { copy }, { m = "http2 = true" })
    assert.equal(200, post(n, "/x", "the body").status)
    local stream = eventually(function()
      local stream = copy:streams()[1]
      return stream and stream.ended and stream
    end)
    assert.equal("/x", stream.fields[":path"])
    assert.equal("the body", stream.body)
    mirrored.counted(n, "answered", 1)
  end)
end)
