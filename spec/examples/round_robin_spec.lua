local eventually = require "support.eventually"
local example = require "support.example"
local origin = require "support.origin"

describe("example round-robin", function()
  local web, n

  before_each(function()
    web = origin.several(4)
    n = example.start("round-robin",
      { [8081] = web[1], [8082] = web[2], [8083] = web[3], [8084] = web[4] })
  end)

  local function ask(count)
    local names = {}
    for i = 1, count do
      local response = n:get "/"
      assert.equal(200, response.status)
      names[i] = response.body
    end
    return table.concat(names, " ")
  end

  it("gives each backend its turn", function()
    assert.equal("web1 web2 web3 web4 web1 web2 web3 web4", ask(8))
  end)

  it("loses no request when a backend dies, and uses it again when it is back", function()
    example.checked(n, web)
    web[2]:kill()
    assert.not_matches("web2", ask(8))
    n:wait_log("http://127.0.0.1:" .. web[2].port .. " is dead%.")
    web[2]:start_again()
    eventually(function() return ask(4):find "web2" end)
  end)
end)
