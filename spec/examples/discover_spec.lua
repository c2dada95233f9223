local eventually = require "support.eventually"
local example = require "support.example"
local origin = require "support.origin"

describe("example discover", function()
  it("takes its backends from the registry", function()
    local web = origin.several(2)
    local backends = { [8081] = web[1], [8082] = web[2] }
    local registry = example.start("discover", backends, { config = "registry.lua" })
    backends[8090] = registry
    local n = example.start("discover", backends)
    local count = { web1 = 0, web2 = 0 }
    for _ = 1, 6 do
      local name = n:get("/").body
      count[name] = count[name] + 1
    end
    assert.same({ web1 = 2, web2 = 4 }, count)
  end)

  it("keeps what it has when the registry fails", function()
    local web = origin.start { name = "web" }
    local asked = 0
    local registry = origin.start {
      handler = function()
        asked = asked + 1
        if asked == 1 then return ('["%s"]'):format(web.url) end
        return { status = 500, body = "no" }
      end,
    }
    local n = example.start("discover", { [8090] = registry },
      { allow = { "discover of pool" } })
    eventually(function() return n:get("/").body == "web" end)
    n:wait_log "discover of pool [^\n]*status 500; its backends stay as they are"
    assert.equal("web", n:get("/").body)
  end)
end)
