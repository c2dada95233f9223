local example = require "support.example"
local origin = require "support.origin"

describe("example answer-from-lua", function()
  local web, n

  before_each(function()
    web = origin.several(2)
    n = example.start("answer-from-lua", { [8081] = web[1], [8082] = web[2] })
  end)

  it("tells how many backends are up", function()
    local response = n:get "/healthz"
    assert.equal(200, response.status)
    assert.equal("2 up\n", response.body)
  end)

  it("redirects", function()
    local response = n:get "/blog/first"
    assert.equal(301, response.status)
    assert.equal("/news/first", response.headers.location)
  end)

  it("lets all other requests go on", function()
    assert.equal("web1", n:get("/").body)
    assert.equal("web2", n:get("/blog").body)
  end)

  it("shows a page of ours while nothing is up", function()
    example.checked(n, web)
    for _, one in ipairs(web) do one:kill() end
    assert.equal(502, n:get("/").status)
    local response = n:get "/"
    assert.equal(503, response.status)
    assert.equal("30", response.headers["retry-after"])
    assert.matches("Back soon", response.body)
    response = n:get "/healthz"
    assert.equal(503, response.status)
    assert.equal("0 up\n", response.body)
  end)
end)
