local eventually = require "support.eventually"
local example = require "support.example"
local origin = require "support.origin"

describe("example canary-by-header", function()
  local web, n

  before_each(function()
    web = origin.several(4)
    n = example.start("canary-by-header",
      { [8081] = web[1], [8082] = web[2], [8083] = web[3], [8084] = web[4] })
  end)

  local function stable() return n:get("/").body end
  local function canary() return n:get("/", { ["X-Canary"] = "yes" }).body end

  it("routes by the header", function()
    for _ = 1, 3 do assert.equal("web4", canary()) end
    for round = 1, 6 do assert.equal("web" .. (round - 1) % 3 + 1, stable()) end
  end)

  it("keeps the turn of one group apart from that of the other", function()
    local seen = {}
    for _ = 1, 6 do
      canary()
      canary()
      local name = stable()
      seen[name] = (seen[name] or 0) + 1
    end
    assert.same({ web1 = 2, web2 = 2, web3 = 2 }, seen)
  end)

  it("lets either group stand in for the other", function()
    example.checked(n, web)
    web[4]:kill()
    for _ = 1, 4 do assert.matches("^web[123]$", canary()) end
    web[4]:start_again()
    eventually(function() return canary() == "web4" end)
    for index = 1, 3 do web[index]:kill() end
    local response = n:get "/"
    assert.equal(200, response.status)
    assert.equal("web4", response.body)
  end)
end)
