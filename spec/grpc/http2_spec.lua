local cjson = require "cjson"
local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local grpc = require "support.grpc_call"
local h2_client = require "support.h2_client"
local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"

local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n"
  .. "Transfer-Encoding: chunked\r\n\r\n"

-- An HTTP/1.1 backend whose answers are that, in pieces; then their connection ends.
local function saying(...)
  local pieces = { ... }
  return origin.start {
    connection = function(conn)
      conn:read_until "\r\n\r\n"
      for _, piece in ipairs(pieces) do
        if type(piece) == "number" then conn:wait(piece) else conn:send(piece) end
      end
    end,
  }
end

local function begin(n, more)
  local c = h2_client.connect(n.address)
  local fields = { [":method"] = "POST", [":path"] = "/shop.Cart/Add", { "te", "trailers" },
    { "content-type", "application/grpc" } }
  for _, field in ipairs(more or {}) do table.insert(fields, field) end
  return c, c:request(fields, { body = "\0\0\0\0\0" })
end

local function call(n, more)
  local c, id = begin(n, more)
  return c:answer(id)
end

describe("a gRPC call over HTTP/2", function()
  it("is refused by a head alone", function()
    local n = proxied.before({ 1 }, [[policy = {
      pick = function() return nil, "closed" end }]])
    local answer = call(n)
    local h = answer.headers
    assert.same({ 200, "14", "closed", "application/grpc", "closed", nil, "" }, { answer.status,
      h["grpc-status"], h["grpc-message"], h["content-type"], h["x-neap-error"],
      h["content-length"], answer.body })
    assert.is_nil(answer.trailers)
  end)

  it("is refused by a status for a limit of its head, too", function()
    local n = proxied.before({ 1 }, "limits = { headers = 8 }")
    local more = {}
    for i = 1, 20 do more[i] = { "x-" .. i, "y" } end
    local answer = call(n, more)
    assert.same({ 200, "8", "too many fields" }, { answer.status, answer.headers["grpc-status"],
      answer.headers["grpc-message"] })
  end)

  it("is told with the number of its stream", function()
    local n = admin.start({ grpc.server { status = 0 } },
      'health = { type = "none" }, explain = { sample = 1 }')
    call(n)
    local story = eventually(function()
      local r = client.get(n.admin, "/explain")
      return r.status == 200 and cjson.decode(r.body).stories[1]
    end)
    assert.same({ "2", 1, 0 }, { story.version, story.stream, story.grpc_status })
    local _, text = neap.run { "explain", "--last", "1", "--admin", n.admin }
    assert.is_truthy(text:find("by HTTP/2, stream 1, to service", 1, true), text)
    assert.is_truthy(text:find("= gRPC status 0 (OK) from", 1, true), text)
  end)

  it("has its status from trailers", function()
    local web = saying(HEAD .. "5\r\nhello\r\n0\r\ngrpc-status: 5\r\ngrpc-message: a%20b\r\n\r\n")
    local n = proxied.before({ web }, [[policy = {
      log = function(_, o) print("END", o.status, o.grpc_status, o.reason) end }]])
    local answer = call(n)
    assert.same({ 200, "hello", "5", "a%20b" }, { answer.status, answer.body,
      answer.trailers["grpc-status"], answer.trailers["grpc-message"] })
    n:wait_log "END 200 5 nil"
  end)

  it("ends with a status when its backend breaks it off", function()
    local n = proxied.before({ saying(HEAD .. "5\r\nhello\r\n") }, [[policy = {
      log = function(_, o) print("END", o.status, o.grpc_status, o.reason) end }]])
    n:allow "broke off"
    local answer = call(n)
    assert.same({ "hello", "14", "backend broke off its answer" }, { answer.body,
      answer.trailers["grpc-status"], answer.trailers["grpc-message"] })
    n:wait_log "END 200 14 backend broke off its answer"
  end)

  it("ends at its deadline, half way through its answer too", function()
    local n = proxied.before({ saying(HEAD .. "5\r\nhello\r\n", 30) })
    n:allow "broke off"
    local answer = call(n, { { "grpc-timeout", "400m" } })
    assert.same({ "hello", "4", "the request's deadline is over" }, { answer.body,
      answer.trailers["grpc-status"], answer.trailers["grpc-message"] })
  end)

  it("is counted for eject by the status in its trailers", function()
    local bad = origin.start {
      handler = function(conn)
        conn:read_body()
        conn:send(HEAD .. "1\r\nx\r\n0\r\ngrpc-status: 13\r\n\r\n")
      end,
    }
    local n = proxied.before({ bad, grpc.server { status = 0 } }, [[eject = { consecutive = 3 },
      policy = { pick = function(_, pool) return pool[1] end }]])
    for _ = 1, 3 do assert.equal("13", call(n).trailers["grpc-status"]) end
    n:wait_log "eject"
    assert.equal("0", call(n).headers["grpc-status"])
  end)

  it("is another attempt after a head alone, not after a body", function()
    local good = grpc.server { status = 0 }
    local late = saying(HEAD .. "1\r\nx\r\n0\r\ngrpc-status: 14\r\n\r\n")
    local more = [[retry = { grpc_status = { 14 } }, policy = {
      pick = function(_, pool) return pool[1] end }]]
    local n = proxied.before({ grpc.server { status = 14 }, good }, more)
    assert.equal("0", call(n).headers["grpc-status"])
    n = proxied.before({ late, good }, more)
    assert.equal("14", call(n).trailers["grpc-status"])
  end)
end)
