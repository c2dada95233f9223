local client = require "support.client"
local example = require "support.example"
local origin = require "support.origin"
local testing = require "neap.testing"

describe("example ab", function()
  local n, web

  before_each(function()
    web = origin.several(3)
    n = example.start("ab", { [8081] = web[1], [8082] = web[2], [8083] = web[3] })
    example.checked(n, web)
  end)

  local function ramp(path)
    local c = client.connect(n.addresses[2])
    local answer = c:request("PUT", path)
    c:close()
    return answer.status, answer.body
  end

  local function visit(cookie)
    local answer = n:get("/", { Cookie = cookie })
    local given = answer.headers["set-cookie"]
    return answer.body == "web3" and "b" or "a", given and given:match "^[^;]+"
  end

  it("keeps a visitor with a variant while the share grows", function()
    local cookies, variant = {}, {}
    for i = 1, 40 do
      variant[i], cookies[i] = visit()
      assert.equal("a", variant[i])
    end
    for _, share in ipairs { "/30", "/70", "/100" } do
      assert.equal(200, (ramp(share)))
      local count = { a = 0, b = 0 }
      for i, cookie in ipairs(cookies) do
        local now, again = visit(cookie)
        assert.is_nil(again)
        assert.is_true(now == "b" or variant[i] == "a")
        assert.equal(now, (visit(cookie)))
        variant[i] = now
        count[now] = count[now] + 1
      end
      assert.is_true(count.b > 0)
      assert.equal(share == "/100", count.a == 0)
    end
  end)

  it("lets the other variant stand in", function()
    ramp "/100"
    web[3]:kill()
    for _ = 1, 3 do assert.equal("a", (visit())) end
  end)

  it("takes no share that is none, and no cookie that is not its own", function()
    for _, path in ipairs { "/101", "/x", "/-1", "/1..2", "/nan" } do
      assert.equal(400, (ramp(path)))
    end
    assert.same({ 200, "12.5\n" }, { ramp "/12.5" })
    local _, cookie = visit "visitor=mine"
    assert.matches("^visitor=%x+$", cookie)
  end)
end)

describe("the policy of example ab", function()
  it("gives B its share, within a point", function()
    local pool = testing.balancer({ config = "examples/ab/config.lua" }).pools.web
    pool:neap().shared("ab"):set("share", 20)
    local count, n = 0, 4000
    for _ = 1, n do
      local result = pool:send {}
      if result.sent.headers["x-variant"] == "b" then count = count + 1 end
    end
    assert.is_near(0.2, count / n, 0.02)
  end)
end)
