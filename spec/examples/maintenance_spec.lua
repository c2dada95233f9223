local client = require "support.client"
local eventually = require "support.eventually"
local example = require "support.example"
local origin = require "support.origin"
local testing = require "neap.testing"

describe("example maintenance", function()
  local n

  before_each(function()
    n = example.start("maintenance", { [8081] = origin.start { name = "web" } },
      { args = { "-w", "2" } })
  end)

  local function switch(path, method)
    local c = client.connect(n.addresses[2])
    local body = c:request(method or "PUT", path).body
    c:close()
    return body
  end

  local function all(status)
    for _ = 1, 10 do assert.equal(status, n:get("/").status) end
  end

  it("is switched on and off for all workers", function()
    assert.equal("off\n", switch("/", "GET"))
    all(200)
    assert.equal("on\n", switch "/on")
    all(503)
    local answer = n:get "/"
    assert.same({ "600", "text/html" }, { answer.headers["retry-after"],
      answer.headers["content-type"]:match "^[^;]+" })
    assert.matches("Back soon", answer.body)
    assert.equal("off\n", switch "/off")
    all(200)
  end)

  it("lets our own people in", function()
    switch "/on"
    local c = client.connect(n.address, { from = "127.0.0.2" })
    assert.equal("web", c:request("GET", "/").body)
  end)

  it("outlives a reload, and ends by itself when it was told to", function()
    switch "/on"
    n:signal "HUP"
    n:wait_log "generation 2 [^\n]*serves"
    all(503)
    assert.matches("^on for", switch "/on?seconds=0.3")
    eventually(function() return n:get("/").status == 200 end)
    assert.equal("off\n", switch("/", "GET"))
  end)

  it("is not switched by a look, or by nonsense", function()
    switch("/on", "GET")
    for _, seconds in ipairs { "x", "-1", "nan", "1e9" } do
      assert.matches("^seconds:", switch("/on?seconds=" .. seconds))
    end
    all(200)
  end)
end)

describe("the policy of example maintenance", function()
  it("serves those of our network", function()
    local balancer = testing.balancer { config = "examples/maintenance/config.lua" }
    local pool = balancer.pools.web
    pool:neap().shared("flags"):set("maintenance", true, 60)
    assert.equal(503, pool:send({ client_ip = "192.0.2.1" }).status)
    for _, ip in ipairs { "10.1.2.3", "2001:db8:1::7" } do
      assert.equal(200, pool:send({ client_ip = ip }).status)
    end
    pool:advance(61)
    assert.equal(200, pool:send({ client_ip = "192.0.2.1" }).status)
  end)
end)
