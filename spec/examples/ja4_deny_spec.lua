local example = require "support.example"
local origin = require "support.origin"
local s_client = require "support.s_client"
local testing = require "neap.testing"

describe("example ja4-deny", function()
  it("logs the fingerprint of each program", function()
    local n = example.start("ja4-deny", { [8081] = origin.start {} })
    assert.equal(200, s_client.run({ port = n.port, name = "a.test" }).status)
    n:wait_log "127.0.0.1 t13d%w+_%x+_%x+ /: 200"
  end)

  it("refuses those on its list", function()
    local pool = testing.pool({ "b1" }, { policy = "examples/ja4-deny/policy.lua" })
    local DENIED = "t13d1516h2_8daaf6152771_02713d6af862"
    assert.equal(403, pool:send({ tls = { ja4 = DENIED } }).status)
    assert.equal(200, pool:send({ tls = { ja4 = "t13d1516h2_8daaf6152771_e5627efa2ab1" } }).status)
    assert.equal(200, pool:send({}).status)
  end)
end)
