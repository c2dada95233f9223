local cjson = require "cjson"
local client = require "support.client"
local example = require "support.example"
local origin = require "support.origin"
local testing = require "neap.testing"

local PATH = "/v1/chat/completions"

local function ask(model, prompt, more)
  local fields = { model = model, messages = { { role = "user", content = prompt } } }
  for key, value in pairs(more or {}) do fields[key] = value end
  return cjson.encode(fields)
end

local STREAM = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

-- A server of models: it streams word by word if it is asked to, and tells how busy it is.
local function server(name, busy)
  return origin.start { name = name, handler = function(conn, request)
    if request.target == "/metrics" then
      return ("# HELP vllm:num_requests_waiting It waits.\n"
        .. 'vllm:num_requests_running{model_name="m"} 1.0\n'
        .. 'vllm:num_requests_waiting{model_name="m"} %d.0\n'):format(busy or 0)
    end
    local body = conn:read_body()
    if not body:find '"stream":true' then return name .. " " .. #body end
    conn:send(STREAM)
    for word in ("data: a,data: b,data: [DONE]"):gmatch "[^,]+" do
      conn:send(word .. "\n\n")
      if word:find "a$" then conn:read(1) end -- the rest only when the client has seen this
    end
    conn:close()
  end }
end

describe("example llm", function()
  local function start(busy)
    local servers = { server("one", busy and 50), server("two", busy and 50), server "large" }
    local n = example.start("llm",
      { [8081] = servers[1], [8082] = servers[2], [8083] = servers[3] })
    example.checked(n, servers)
    return n, servers
  end

  local function post(n, body, key)
    local answer = client.connect(n.address):request("POST", PATH,
      { Authorization = "Bearer " .. (key or "k") }, body)
    return answer, answer.status >= 400 and cjson.decode(answer.body).error
  end

  it("routes by the model, and keeps a prompt on one server", function()
    local n = start()
    assert.matches("^large", post(n, ask("llama-70b", "Hi")).body)
    local seen = {}
    for i = 1, 20 do
      local body = ask("llama-8b", "prompt " .. i)
      local first = post(n, body).body:match "%a+"
      assert.equal(first, post(n, body).body:match "%a+")
      seen[first] = true
    end
    assert.same({ one = true, two = true }, seen)
    assert.equal(200, n:get("/v1/models").status)
  end)

  it("passes the pieces of an answer on as they come", function()
    local n = start()
    local c = client.connect(n.address)
    local body = ask("llama-8b", "Hi", { stream = true })
    c:send(("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"):format(PATH, #body,
      body))
    assert.matches("text/event%-stream", c:receive_until "data: a")
    c:close()
  end)

  it("limits the tokens of a key, and says so as OpenAI does", function()
    local n = start()
    local body = ask("llama-8b", "Hi", { max_tokens = 9000 })
    for _ = 1, 2 do assert.equal(200, post(n, body, "a").status) end
    local answer, e = post(n, body, "a")
    assert.same({ 429, "tokens", "rate_limit_exceeded" }, { answer.status, e.type, e.code })
    local wait = tonumber(answer.headers["retry-after"])
    assert.is_true(wait > 15 and wait < 23, wait)
    assert.equal("3600", post(n, ask("llama-8b", "Hi", { max_tokens = 1e6 }), "d")
      .headers["retry-after"])
    assert.equal(200, post(n, body, "b").status)
    for _, odd in ipairs { -1e9, "x", cjson.null } do
      assert.equal(200, post(n, ask("llama-8b", "Hi", { max_tokens = odd }), "c").status)
    end
  end)

  it("answers in OpenAI's form what no server can", function()
    local n, servers = start()
    for _, body in ipairs { "", "no JSON", "[1]", '"llama-8b"', ask("gpt", "Hi"), ask({}, "Hi") } do
      local answer, e = post(n, body)
      assert.same({ 404, "model_not_found" }, { answer.status, e.code })
      assert.equal("application/json", answer.headers["content-type"])
    end
    assert.equal(413, post(n, ask("llama-8b", ("x"):rep(2 ^ 20))).status)
    servers[3]:kill()
    local answer, e = post(n, ask("llama-70b", "Hi"))
    assert.same({ 502, "server_error" }, { answer.status, e.type })
  end)
end)

describe("the policy of example llm", function()
  local function pool_of(loads)
    local network = { http = function(request)
      local name = request.url:match "//(%w+)"
      return ('\nvllm:num_requests_waiting{m="x"} %d.0\n'):format(loads[name] or 0)
    end }
    local balancer = testing.balancer {
      policy = "examples/llm/policy.lua", network = network, pool = "small",
      pools = { small = { backends = { "a", "b", "c", "d" } }, large = { backends = { "e" } } },
      shared = { loads = { bytes = 2 ^ 20 }, limits = { bytes = 2 ^ 20 } },
    }
    return balancer.pools.small
  end

  local REQUEST = { method = "POST", path = PATH, body = ask("llama-8b", "a long prompt") }

  it("leaves a server whose load is above 1.25 times the average", function()
    local loads = {}
    local pool = pool_of(loads)
    local home = pool:pick(REQUEST)
    assert.equal(home, pool:pick(REQUEST))
    loads[home] = 40
    pool:advance(2)
    local second = pool:pick(REQUEST)
    assert.not_equal(home, second)
    assert.equal(second, pool:pick(REQUEST))
    loads.a, loads.b, loads.c, loads.d = 40, 40, 40, 40
    pool:advance(2)
    assert.equal(home, pool:pick(REQUEST))
  end)

  it("gives the tokens back after a minute", function()
    local pool = pool_of {}
    local request = { method = "POST", path = PATH, body = ask("llama-8b", "Hi",
      { max_tokens = 15000 }) }
    assert.equal(200, pool:send(request).status)
    assert.equal(429, pool:send(request).status)
    pool:advance(75)
    assert.equal(200, pool:send(request).status)
  end)
end)
