local client = require "support.client"
local example = require "support.example"
local origin = require "support.origin"
local testing = require "neap.testing"

local ANSWERS = { ["Bearer anna"] = { status = 200, headers = { ["X-User"] = "anna" } },
  ["Bearer ben"] = { status = 403 }, ["Bearer odd"] = { status = 500 } }

local function answer_of(credentials) return ANSWERS[credentials] or { status = 401 } end

describe("example auth", function()
  local auth, n

  before_each(function()
    auth = origin.start { handler = function(_, request)
      return answer_of(request.headers.authorization)
    end }
    local web = origin.start { handler = function(_, request)
      return "user " .. (request.headers["x-user"] or "unknown")
    end }
    n = example.start("auth", { [8081] = web, [9000] = auth }, { args = { "-w", "2" } })
  end)

  local function get(token, more)
    local headers = more or {}
    headers.Authorization = token and "Bearer " .. token
    return n:get("/", headers)
  end

  it("lets those pass whom the server knows, and asks once for all workers", function()
    for _ = 1, 10 do assert.equal("user anna", get("anna", { ["X-User"] = "root" }).body) end
    local asked = auth:requests()
    assert.equal(1, #asked)
    assert.equal("/check", asked[1].target)
  end)

  it("passes on what it refuses", function()
    assert.equal(401, get().status)
    assert.equal(0, #auth:requests())
    local answer = get "nobody"
    assert.same({ 401, "Bearer" }, { answer.status, answer.headers["www-authenticate"] })
    for _ = 1, 3 do assert.equal(403, get("ben").status) end
    assert.equal(2, #auth:requests())
  end)

  it("refuses with 503 when the server is away, or answers nonsense", function()
    assert.equal(503, get("odd").status)
    assert.equal(200, get("anna").status)
    auth:kill()
    assert.equal(200, get("anna").status)
    for _ = 1, 7 do assert.equal(503, get("new").status) end
    n:wait_log "the auth server: connection refused"
    auth:start_again()
    assert.equal(401, get("new").status)
  end)

  it("asks once for many at the same time", function()
    auth:kill()
    auth = origin.start { handler = function(conn)
      conn:wait(0.3)
      return ANSWERS["Bearer anna"]
    end }
    n = example.start("auth", { [8081] = origin.start {}, [9000] = auth })
    local clients = {}
    for i = 1, 20 do
      clients[i] = client.connect(n.address)
      clients[i]:send "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer anna\r\n\r\n"
    end
    for i = 1, 20 do assert.equal(200, clients[i]:read_response().status) end
    assert.equal(1, #auth:requests())
  end)
end)

describe("the policy of example auth", function()
  it("asks again when the time of an answer is over", function()
    local asked = 0
    local network = { http = { ["http://127.0.0.1:9000/check"] = function(request)
      asked = asked + 1
      return answer_of(request.headers.authorization)
    end } }
    local pool = testing.pool(2, { policy = "examples/auth/policy.lua", network = network,
      guard = true, shared = { auth = { bytes = 2 ^ 20 } } })
    local function get(token)
      local result = pool:send { headers = { Authorization = "Bearer " .. token } }
      return result.status, result.sent and result.sent.headers["x-user"]
    end
    assert.same({ 200, "anna" }, { get "anna" })
    pool:advance(29)
    assert.equal(200, (get "anna"))
    assert.equal(1, asked)
    pool:advance(2)
    assert.equal(200, (get "anna"))
    assert.equal(2, asked)
    assert.equal(403, (get "ben"))
    network.http = {}
    assert.equal(403, (get "ben"))
    pool:advance(6)
    assert.equal(503, (get "ben"))
  end)
end)
