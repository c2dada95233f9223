local example = require "support.example"
local origin = require "support.origin"

describe("example weights-and-tiers", function()
  local web, n

  before_each(function()
    web = origin.several(3)
    n = example.start("weights-and-tiers", { [8081] = web[1], [8082] = web[2], [8083] = web[3] },
      { args = { "-w", "2" } })
  end)

  it("shares requests three to one, exactly", function()
    local names = {}
    for i = 1, 8 do names[i] = n:get("/").body end
    assert.equal("web1 web1 web2 web1 web1 web1 web2 web1", table.concat(names, " "))
  end)

  it("uses the reserve when nothing else is up", function()
    example.checked(n, web)
    web[1]:kill()
    web[2]:kill()
    for _ = 1, 4 do
      local response = n:get "/"
      assert.equal(200, response.status)
      assert.equal("web3", response.body)
    end
  end)
end)
