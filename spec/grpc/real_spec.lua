-- Real servers and clients, with neap in between.

local eventually = require "support.eventually"
local grpc = require "support.grpc"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"

local function config(servers, pool, service)
  local urls = {}
  for i, server in ipairs(servers) do urls[i] = ("%q"):format(server.url or server) end
  return ([[return { workers = 1,
    services = { { name = "calls", listen = "127.0.0.1:0", pool = "calls", %s } },
    pools = { calls = { backends = { %s }, http2 = true, health = { type = "none" }, %s } } }]])
    :format(service or "", table.concat(urls, ", "), pool or "")
end

local function before(servers, pool, service)
  return neap.start { config = config(servers, pool, service), allow = { "dead" } }
end

local function counts(names)
  local by_name = {}
  for _, name in ipairs(names) do by_name[name] = (by_name[name] or 0) + 1 end
  return by_name
end

local KINDS = { "one hello", "1400000", { 1002, 1002, 1002 }, { "re: a", "re: b" } }

local function check_pair(client, server)
  local o = { language = client }
  local one, two = grpc.server("one", { language = server }), grpc.server("two", {
    language = server })
  local n = before { one }
  assert.same(KINDS, grpc.ask(n.address, "kinds", o))
  assert.is_true(grpc.ask(n.address, "big", o))
  assert.same({ "NOT_FOUND", "not here" }, grpc.ask(n.address, "fails 5 not here", o))
  assert.equal("UNIMPLEMENTED", grpc.ask(n.address, "unknown", o)[1])
  assert.equal("DEADLINE_EXCEEDED", grpc.ask(n.address, "deadline", o)[1])
  assert.equal("first", grpc.ask(n.address, "cancel", o))
  one:wait_said "endless is over"
  n:stop()
  -- One connection of the client, calls to both servers.
  assert.same({ one = 6, two = 6 }, counts(grpc.ask(before({ one, two }).address, "names", o)))
end

local function pending_without(has)
  local ok, why = has()
  if not ok then pending(why) end
  return ok
end

describe("gRPC through neap #slow", function()
  it("works between a client and servers of grpcio", function()
    if not pending_without(grpc.has_python) then return end
    check_pair("python", "python")
  end)

  it("works between grpc-js and grpcio, either way round", function()
    if not pending_without(grpc.has_python) or not pending_without(grpc.has_node) then return end
    check_pair("node", "python")
    check_pair("python", "node")
  end)

  it("takes turns in a stream, many calls at a time, and metadata of bytes", function()
    if not pending_without(grpc.has_python) then return end
    local n = before { grpc.server "one" }
    assert.same({ "re: 0", "re: 1", "re: 2", "re: 3", "re: 4" }, grpc.ask(n.address, "turns"))
    assert.same({ true }, grpc.ask(n.address, "many 300"))
    assert.same({ "ok", "a, b", true, "end", true }, grpc.ask(n.address, "meta"))
    assert.equal(200, grpc.ask(n.address, "slow"))
    assert.same({ { "so far" }, "DATA_LOSS", "no more" }, grpc.ask(n.address, "late"))
  end)

  it("passes the deadline on, and says what neap refuses", function()
    if not pending_without(grpc.has_python) then return end
    local server = grpc.server "one"
    assert.same({ "OK", "slept" }, grpc.ask(before({ server }).address, "patient"))
    local left = tonumber(server:said():match "time left ([%d.]+)")
    assert.is_true(left > 10 and left <= 20, left)
    local n = before({ server }, nil, 'policy = { pick = function() return nil, "50 % off" end }')
    assert.same({ "UNAVAILABLE", "50 % off" }, grpc.ask(n.address, "who"))
    n = before({ "http://127.0.0.1:1" })
    assert.same({ "UNAVAILABLE", "no backend accepted the connection" }, grpc.ask(n.address, "who"))
    n = before({ server }, nil, "timeouts = { request = 0.3 }")
    assert.same({ "DEADLINE_EXCEEDED", "the request's deadline is over" },
      grpc.ask(n.address, "patient 5"))
  end)

  it("tries another server after a listed status", function()
    if not pending_without(grpc.has_python) then return end
    local one, two = grpc.server "one", grpc.server "two"
    local n = before({ one, two }, "retry = { grpc_status = { 14 } }")
    assert.same({ "UNAVAILABLE", "later" }, grpc.ask(n.address, "fails 14 later"))
    one:wait_said "failed one"
    two:wait_said "failed two"
  end)

  it("ends a stream whose server died with UNAVAILABLE", function()
    if not pending_without(grpc.has_python) then return end
    local server = grpc.server "one"
    local n = before { server }
    n:allow "broke off"
    local client = grpc.begin(n.address, "stream_end")
    eventually(function() return client:stdout():find "reading" end, 30)
    server.process:kill "KILL"
    assert.same({ { "first" }, "UNAVAILABLE" }, grpc.answer(client))
  end)

  it("is checked by the server's own word", function()
    if not pending_without(grpc.has_python) then return end
    local n = neap.start { config = config({ grpc.server "one" }, nil)
      :gsub('health = { type = "none" }', 'health = { type = "grpc" }') }
    n:wait_log "checked ok"
  end)

  it("works over TLS on both sides", function()
    if not pending_without(grpc.has_python) then return end
    local ca = pki.ca()
    local cert = ca:issue { names = { "localhost" } }
    local server = grpc.server("one", { tls = { certificate = cert.chain_path,
      key = cert.key_path } })
    local n = before({ server }, ('tls = { ca = "%s" }'):format(ca.pem_path),
      ('tls = { certificate = "%s", key = "%s" }'):format(cert.chain_path, cert.key_path))
    local tls = { ca = ca.pem_path, name = "localhost" }
    assert.same(KINDS, grpc.ask(n.address, "kinds", { tls = tls }))
  end)

  it("gets no status from a server that is none", function()
    if not pending_without(grpc.has_python) then return end
    local n = neap.start { config = neap.config { origin.start { text = "a page" } } }
    assert.equal("UNKNOWN", grpc.ask(n.address, "who")[1])
  end)
end)
