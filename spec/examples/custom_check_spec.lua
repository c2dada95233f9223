local example = require "support.example"

describe("example custom-check", function()
  it("takes a backend in which too many jobs wait out of service", function()
    local toys = example.start("custom-check", {}, { config = "toys.lua" })
    local n = example.start("custom-check",
      { [8081] = { port = toys.ports[1] }, [8082] = { port = toys.ports[2] } })
    n:wait_log("→ down%): Unhealthy 127.0.0.1:" .. toys.ports[2] .. ", error:250 jobs wait")
    n:wait_log("http://127.0.0.1:" .. toys.ports[1] .. " checked ok by healthcheck")
    for _ = 1, 4 do assert.equal("web1\n", n:get("/").body) end
  end)
end)
