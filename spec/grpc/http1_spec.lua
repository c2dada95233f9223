-- gRPC calls of clients that speak HTTP/1.1: how their status is told, and what breaks off.
local behind = require "support.behind"
local grpc = require "support.grpc_call"
local h2_client = require "support.h2_client"
local origin = require "support.origin"
local proxied = require "support.proxied"

local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n"
  .. "Transfer-Encoding: chunked\r\n\r\n"
local LOG = [[policy = { pick = function(_, pool) return pool[1] end,
  log = function(_, o) print("END", o.status, o.grpc_status, o.reason) end }, ]]

-- Before an HTTP/1.1 backend whose answer these pieces are; then its connection ends.
local function before_h1(...)
  local pieces = { ... }
  local web = origin.start {
    connection = function(conn)
      conn:read_until "\r\n\r\n"
      for _, piece in ipairs(pieces) do
        if type(piece) == "number" then conn:wait(piece) else conn:send(piece) end
      end
    end,
  }
  return proxied.before({ web }, LOG)
end

-- Before one of HTTP/2, and what that does after "hello".
local function before_h2(what)
  return (behind.start(function(h2, stream)
    h2:head(stream.id, { { ":status", "200" }, { "content-type", "application/grpc" } })
    h2:data(stream.id, "hello")
    what(h2, stream)
  end, LOG))
end

local function told(response)
  local trailers = response.trailers or {}
  return { response.body, trailers["grpc-status"], trailers["grpc-message"] }
end

describe("the status in the trailers of a gRPC call over HTTP/1.1", function()
  it("is told, from HTTP/1.1", function()
    local n = before_h1(HEAD .. "5\r\nhello\r\n0\r\nA: b\r\ngrpc-st", 0.1, "atus: 5\r\n\r\n")
    assert.same({ "hello", "5" }, told(grpc.send(n)))
    n:wait_log "END 200 5 nil"
  end)

  it("is told, from HTTP/2", function()
    local n = before_h2(function(h2, stream)
      h2:head(stream.id, { { "grpc-status", "7" } }, { end_stream = true })
    end)
    assert.same({ "hello", "7" }, told(grpc.send(n)))
    n:wait_log "END 200 7 nil"
  end)

  it("is counted for eject", function()
    local bad = origin.start {
      handler = function(conn)
        conn:read_body()
        conn:send(HEAD .. "1\r\nx\r\n0\r\ngrpc-status: 13\r\n\r\n")
      end,
    }
    local n = proxied.before({ bad, grpc.server { status = 0 } }, LOG
      .. "eject = { consecutive = 3 }")
    for _ = 1, 3 do assert.equal("13", grpc.send(n).trailers["grpc-status"]) end
    n:wait_log "eject"
    assert.equal(0, (grpc.status(n)))
  end)
end)

describe("a gRPC call over HTTP/1.1 that its backend breaks off", function()
  it("ends with a status, from HTTP/1.1", function()
    local n = before_h1(HEAD .. "5\r\nhello\r\n", 0.1)
    n:allow "broke off"
    assert.same({ "hello", "14", "backend broke off its answer" }, told(grpc.send(n)))
    n:wait_log "END 200 14 backend broke off its answer"
  end)

  it("ends with a status, from HTTP/2", function()
    local n = before_h2(function(h2) h2.conn:close() end)
    n:allow "broke off"
    assert.same({ "hello", "14", "backend broke off its answer" }, told(grpc.send(n)))
    n:wait_log "END 200 14 backend broke off its answer"
  end)

  it("ends at its deadline with a status", function()
    local n = before_h1(HEAD .. "5\r\nhello\r\n", 30)
    n:allow "broke off"
    local response = grpc.send(n, { headers = { ["grpc-timeout"] = "400m" } })
    assert.same({ "hello", "4", "the request's deadline is over" }, told(response))
  end)

  it("is cut, as everything else is, within a chunk, and where no trailers are taken", function()
    local n = before_h1(HEAD .. "5\r\nhel")
    n:allow "broke off"
    assert.is_true(grpc.send(n).truncated)
    n = before_h1(HEAD .. "5\r\nhello\r\n", 0.1)
    n:allow "broke off"
    assert.is_true(grpc.send(n, { headers = { TE = "x" } }).truncated)
  end)
end)

describe("a gRPC call whose backend sends a bad chunk with its head", function()
  it("ends with a message that says so", function()
    local n = before_h1(HEAD .. "zz\r\n")
    n:allow "broke off"
    local c = h2_client.connect(n.address)
    local id = c:request({ [":method"] = "POST", { "te", "trailers" },
      { "content-type", "application/grpc" } }, { body = "\0\0\0\0\0" })
    local answer = c:answer(id)
    assert.same({ "14", "backend sent a malformed body" }, { answer.trailers["grpc-status"],
      answer.trailers["grpc-message"] })
  end)
end)
