local client = require "support.client"
local origin = require "support.origin"
local proxied = require "support.proxied"

-- The hook sees the body and says in a field what it saw; the backend echoes both.
local POLICY = [[policy = {
  request = function(request)
    require("neap").log.info "asks"
    local body, why = request:body(%s)
    request:set_header("x-seen", body and "<" .. body:sub(1, 64) .. ">" .. #body or why)
  end,
},]]

local function echo(conn, request) return request.headers["x-seen"] .. " " .. conn:read_body() end

-- Large ones are not printed.
local function same(expected, got) assert.is_true(expected == got, got:sub(1, 100)) end

local function start(max, more)
  local web = origin.start { handler = echo }
  return proxied.before({ web }, POLICY:format(max or "") .. (more or "")), web
end

local HEAD = "POST / HTTP/1.1\r\nHost: a\r\n"
local CHUNKED = HEAD .. "Transfer-Encoding: chunked\r\n\r\n"

local function sized(body) return ("%sContent-Length: %d\r\n\r\n%s"):format(HEAD, #body, body) end

describe("request:body", function()
  it("gives the bytes that came with the head, and they go on", function()
    local n = start()
    assert.equal("<hello>5 hello", client.request(n.address, sized "hello").body)
  end)

  it("waits for a body that comes byte by byte", function()
    local n = start()
    local c = client.connect(n.address)
    c:send(sized("hello"):sub(1, -6))
    n:wait_log "asks"
    for byte in ("hello"):gmatch "." do c:send(byte) end
    assert.equal("<hello>5 hello", c:read_response().body)
  end)

  it("takes out the chunk coding, with extensions and trailers", function()
    local n = start()
    local c = client.connect(n.address)
    c:send(CHUNKED .. "3;a=b\r\nhel\r\n")
    n:wait_log "asks"
    c:send "2;c=\"d\"\r\nlo\r\n0\r\nx-last: 1\r\n\r\n"
    assert.equal("<hello>5 hello", c:read_response().body)
    c:send(sized "again")
    assert.equal("<again>5 again", c:read_response().body)
  end)

  it("is empty without one, at once", function()
    local n = start()
    assert.equal("<>0 ", client.get(n.address).body)
    assert.equal("<>0 ", client.request(n.address, sized "").body)
  end)

  it("says that it is too long, and the request goes on as it came", function()
    local n = start(8)
    assert.equal("<12345678>8 12345678", client.request(n.address, sized "12345678").body)
    assert.equal("too long 123456789", client.request(n.address, sized "123456789").body)
    local c = client.connect(n.address)
    c:send(CHUNKED .. "5\r\nhello\r\n")
    c:send "5\r\nworld\r\n"
    c:send "1\r\n!\r\n0\r\n\r\n"
    assert.equal("too long helloworld!", c:read_response().body)
  end)

  it("passes on bodies that are longer than its memory", function()
    local n = start()
    local body = proxied.pattern(3000000)
    same("too long " .. body, client.request(n.address, sized(body)).body)
    local coded = CHUNKED .. proxied.chunked { body, body }
    same("too long " .. body .. body, client.request(n.address, coded).body)
  end)

  it("gives all of a body as long as limits.hook_body_bytes", function()
    local n = start(300000, "limits = { hook_body_bytes = 300000 },")
    local body = proxied.pattern(300000)
    local seen = ("<%s>300000 %s"):format(body:sub(1, 64), body)
    same(seen, client.request(n.address, sized(body)).body)
    local coded = proxied.chunked { body:sub(1, 100000), body:sub(100001) }
    same(seen, client.request(n.address, CHUNKED .. coded).body)
  end)

  it("leaves the next request that was sent with it in its place", function()
    local n = start()
    local c = client.connect(n.address)
    c:send(sized("hello"):sub(1, -3))
    n:wait_log "asks"
    c:send("lo" .. sized "second" .. CHUNKED .. "5\r\nthird\r\n0\r\n\r\n" .. sized "4th")
    for _, body in ipairs { "hello", "second", "third", "4th" } do
      assert.equal(("<%s>%d %s"):format(body, #body, body), c:read_response().body)
    end
  end)

  it("sends the 100 that the client waits for, once", function()
    local n, web = start()
    local c = client.connect(n.address)
    c:send(HEAD .. "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert.equal("HTTP/1.1 100 Continue\r\n\r\n", c:receive_until "\r\n\r\n")
    c:send "hello"
    local answer = c:read_response()
    assert.equal("<hello>5 hello", answer.body)
    assert.equal(0, #answer.interim)
    assert.is_nil(web:requests()[1].headers.expect)
  end)
end)
