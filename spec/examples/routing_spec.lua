local client = require "support.client"
local example = require "support.example"
local origin = require "support.origin"

describe("example routing", function()
  local n

  before_each(function()
    local web = origin.several(4)
    n = example.start("routing",
      { [8081] = web[1], [8082] = web[2], [8083] = web[3], [8084] = web[4] })
  end)

  it("routes by path and by host", function()
    for _ = 1, 4 do
      assert.matches("^web[12]$", n:get("/").body)
      assert.matches("^web[12]$", n:get("/apiary").body)
      assert.matches("^web[34]$", n:get("/api/users").body)
      assert.matches("^web[34]$", n:get("/", { Host = "api.example.org" }).body)
    end
  end)

  it("has a service for the second pool alone", function()
    for _ = 1, 4 do assert.matches("^web[34]$", client.get(n.addresses[2], "/").body) end
  end)
end)
