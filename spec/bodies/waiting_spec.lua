local cjson = require "cjson"
local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"

local ASKS = [[
  require("neap").log.info "asks"
  local body, why = request:body()
  require("neap").log.info("got %s", body or why)
]]

local function echo(conn, request) return request.method .. " " .. conn:read_body() end

-- hooks: lines of the policy's table.
local function start(hooks, more, backends)
  local web = origin.start { handler = echo }
  local config = ("policy = { %s },\n%s"):format(hooks, more or "")
  return proxied.before(backends or { web }, config), web
end

local function asking(more)
  return start(("request = function(request) %s end,"):format(ASKS), more)
end

local POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"

describe("a hook that waits for a body", function()
  it("ends with its client, whose request is a 408 when it is silent for client_body", function()
    local n, web = asking "timeouts = { client_body = 0.2 },"
    local answer = client.request(n.address, POST .. "he")
    assert.equal(408, answer.status)
    assert.equal("the request body did not come in time", answer.headers["x-neap-error"])
    assert.equal(0, #web:requests())
    assert.equal(0, n:count_log "got")
  end)

  it("is left by a client that goes away", function()
    local n, web = asking()
    local c = client.connect(n.address)
    c:send(POST .. "he")
    n:wait_log "asks"
    c:close()
    assert.equal(200, n:get().status)
    assert.equal(1, #web:requests())
    assert.equal(1, n:count_log "got")
  end)

  it("is not bound to the time of other waits, only to the client's and the request's", function()
    local n = asking "timeouts = { client_body = 9, request = 0.3 },"
    assert.equal(504, client.request(n.address, POST .. "he").status)
    assert.equal(0, n:count_log "did not answer in time")
  end)

  it("ends with a malformed body", function()
    local n = asking()
    local c = client.connect(n.address)
    c:send "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"
    n:wait_log "asks"
    c:send "llo!"
    assert.equal(400, c:read_response().status)
    assert.is_true(c:closed())
  end)

  it("is told of a body over limits.body_bytes, in the chunk coding, too", function()
    local n, web = asking "limits = { body_bytes = 8 },"
    local c = client.connect(n.address)
    c:send "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    n:wait_log "asks"
    c:send "5\r\nworld\r\n"
    assert.equal(413, c:read_response().status)
    assert.is_true(c:closed())
    assert.equal(1, n:count_log "got over limits.body_bytes")
    assert.equal(0, #web:requests())
  end)

  it("is told so at once where the head says it, whether it came or not", function()
    local n, web = asking "limits = { body_bytes = 4 },"
    assert.equal(413, client.request(n.address, POST .. "hello").status)
    local c = client.connect(n.address)
    c:send((POST:gsub("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n")))
    local answer = c:read_response()
    assert.equal("413 0", answer.status .. " " .. #answer.interim)
    assert.equal(2, n:count_log "got over limits.body_bytes")
    assert.equal(0, #web:requests())
  end)

  it("may allow more, and ask again", function()
    local n = start([[request = function(request)
      assert(request:body() == nil)
      request:limits { body_bytes = 5 }
      require("neap").log.info "asks"
      assert(request:body() == "hello")
    end,]], "limits = { body_bytes = 4 },")
    local c = client.connect(n.address)
    c:send(POST .. "he")
    n:wait_log "asks"
    c:send "llo"
    assert.equal("POST hello", c:read_response().body)
  end)

  it("gets the same again, and in `pick` and `backends`", function()
    local n = start(([[
      request = function(request) %s request.ctx.first = request:body() end,
      backends = function(request, pool)
        assert(request:body() == request.ctx.first)
        return pool
      end,
      pick = function(request, pool) assert(request:body(5) == "hello") return pool[1] end,
    ]]):format(ASKS))
    local c = client.connect(n.address)
    c:send(POST)
    n:wait_log "asks"
    c:send "hello"
    assert.equal("POST hello", c:read_response().body)
  end)

  it("may answer with what it saw, and the connection goes on", function()
    local n = start [[request = function(request)
      require("neap").log.info "asks"
      return require("neap").reply { status = 403, body = request:body() }
    end,]]
    local c = client.connect(n.address)
    c:send(POST)
    n:wait_log "asks"
    c:send "hello"
    local answer = c:read_response()
    assert.equal("403 hello", answer.status .. " " .. answer.body)
    c:send(POST .. "again")
    assert.equal("again", c:read_response().body)
  end)

  it("has the bytes sent again to another backend after a failure", function()
    local gone = origin.start { connection = function(conn)
      conn:read_request()
      conn:reset()
    end }
    local web = origin.start { handler = echo }
    local n = start(([[
      request = function(request) %s end,
      pick = function(_, pool) return pool[1] end,
      failed = function(request)
        require("neap").log.info("again %%s", request:body())
        return "retry"
      end,
    ]]):format(ASKS), "retry = { unsafe = true, body_bytes = 0 },", { gone, web })
    local c = client.connect(n.address)
    c:send(POST .. "he")
    n:wait_log "asks"
    c:send "llo"
    assert.equal("POST hello", c:read_response().body)
    n:wait_log "again hello"
  end)

  it("is told to explain, with the time", function()
    local web = origin.start {}
    local n = admin.start({ web }, ([[health = { type = "none" }, explain = { sample = 1 },
      policy = { request = function(request) %s end },]]):format(ASKS))
    local c = client.connect(n.address)
    c:send(POST)
    n:wait_log "asks"
    c:send "hello"
    assert.equal(200, c:read_response().status)
    local story = eventually(function()
      return cjson.decode(client.get(n.admin, "/explain").body).stories[1]
    end)
    assert.is_true(story.steps[1].body > 0)
    local _, out = neap.run { "explain", story.id, "--admin", n.admin }
    assert.matches("it waited [%d.]+ %a+ for the body", out)
  end)
end)
