local example = require "support.example"
local origin = require "support.origin"
local scope = require "support.scope"

describe("example json-config", function()
  it("balances the tutorial's four backends in turn", function()
    local web = origin.several(4)
    local n = example.start("json-config",
      { [8081] = web[1], [8082] = web[2], [8083] = web[3], [8084] = web[4] },
      { config = "config.json" })
    for round = 1, 8 do assert.equal("web" .. (round - 1) % 4 + 1, n:get("/").body) end
  end)

  it("is accepted as it is, and is the file at the top of the repository", function()
    local code, output = example.check("json-config", "config.json")
    assert.equal(0, code, output)
    assert.matches("config%.json: ok\n$", output)
    assert.equal(scope.read "config.json", example.text("json-config", "config.json"))
  end)
end)
