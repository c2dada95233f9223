local cjson = require "cjson"
local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local grpc = require "support.grpc_call"
local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"
local replay = require "support.replay"
local scope = require "support.scope"

local function log_line(n)
  return eventually(function() return scope.read(n.dir .. "/access.log"):match "[^\n]+\n" end)
end

local function logging(format, web)
  return proxied.before({ web }, ('access_log = { target = "access.log", format = "%s" }')
    :format(format))
end

describe("the status of a gRPC call", function()
  it("is the status in the combined log", function()
    local n = logging("combined", grpc.server { status = 5 })
    grpc.status(n)
    assert.matches('"POST /shop.Cart/Add HTTP/1.1" 5 0 "', log_line(n))
    n = logging("combined", 1)
    grpc.status(n)
    assert.matches('"POST /shop.Cart/Add HTTP/1.1" 14 0 "', log_line(n))
    n = logging("combined", origin.start { text = "no call" })
    grpc.status(n)
    assert.matches('" 200 6 "', log_line(n))
  end)

  it("is a member of its own in JSON, absent elsewhere", function()
    local n = logging("json", grpc.server { status = 16 })
    grpc.status(n)
    local line = cjson.decode(log_line(n))
    assert.same({ 200, 16 }, { line.status, line.grpc_status })
    n = logging("json", grpc.server { status = 16 })
    client.get(n.address)
    assert.is_nil(cjson.decode(log_line(n)).grpc_status)
  end)

  it("is in outcome and in response", function()
    local n = proxied.before({ grpc.server { status = 16 } }, [[policy = {
      response = function(_, _, response) print("RESPONSE", response.grpc_status) end,
      log = function(_, o) print("END", o.status, o.grpc_status) end }]])
    grpc.status(n)
    n:wait_log "RESPONSE 16"
    n:wait_log "END 200 16"
    client.get(n.address)
    n:wait_log "END 200 nil"
  end)

  it("is counted by service", function()
    local turn = 0
    local web = grpc.server(function()
      turn = turn + 1
      return { status = turn == 1 and 0 or turn == 2 and 5 or nil }
    end)
    local n = admin.start({ web }, 'name = "web", health = { type = "none" }')
    local function count(status)
      return admin.metrics(n)[('neap_service_grpc_calls_total{service="web",status="%s"}')
        :format(status)]
    end
    client.get(n.address) -- no call: it took the first answer
    assert.is_nil(count "OK")
    for _ = 1, 4 do grpc.status(n) end
    eventually(function() return count "none" == 3 end)
    assert.same({ 0, 1 }, { count "OK", count "NOT_FOUND" })
  end)

  it("is in the story of a call that neap refused, and of its attempts", function()
    local web = grpc.server { status = 14 }
    local n = admin.start({ web }, [[health = { type = "none" }, explain = { sample = 0 },
      retry = { grpc_status = { 14 } }]])
    grpc.status(n)
    local function first()
      local r = client.get(n.admin, "/explain")
      return r.status == 200 and cjson.decode(r.body).stories[1]
    end
    local story = eventually(first)
    assert.same({ 200, 14 }, { story.status, story.grpc_status })
    local attempt
    for _, step in ipairs(story.steps) do attempt = step.attempt and step or attempt end
    assert.same({ "status", 14, "gRPC status 14 (UNAVAILABLE)", "it may be sent again" },
      { attempt.kind, attempt.grpc_status, attempt.message, attempt.again })
    n = admin.start({ 1 }, [[health = { type = "none" }, explain = { sample = 0 },
      policy = { pick = function() return nil, "no" end }]])
    grpc.status(n)
    story = eventually(first)
    assert.same({ 200, 14, "no", "1.1" }, { story.status, story.grpc_status, story.reason,
      story.version })
    local code, text = neap.run { "explain", "--last", "1", "--admin", n.admin }
    assert.equal(0, code, text)
    assert.is_truthy(text:find("= gRPC status 14 (UNAVAILABLE), 0 attempts", 1, true), text)
  end)

  it("is in records", function()
    local n = replay.start { grpc.server { status = 7 } }
    local path = replay.record(n, { "--count", 1 }, function() grpc.status(n) end)
    local outcome = replay.lines(path).requests[1].outcome
    assert.same({ 200, 7 }, { outcome.status, outcome.grpc_status })
  end)

  it("ejects a backend that fails calls", function()
    for status, is_ejected in pairs { [14] = true, [2] = true, [13] = true, [5] = false } do
      local bad, good = grpc.server { status = status }, grpc.server { status = 0 }
      local n = proxied.before({ bad, good }, "eject = { consecutive = 3 }, policy = { " ..
        "pick = function(_, pool) return pool[1] end }")
      for _ = 1, 3 do assert.equal(status, (grpc.status(n))) end
      if is_ejected then n:wait_log "eject" end
      local function answered() return (grpc.status(n)) == (is_ejected and 0 or status) end
      eventually(answered)
    end
  end)
end)
