local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local s_client = require "support.s_client"

describe("neap --tls", function()
  it("serves https with a certificate of its own", function()
    local web = origin.start { name = "web" }
    local n = neap.start { args = { "--tls", "-w", 1, "-l", "127.0.0.1:0", web.port } }
    assert.equal("https", n.protocols[1])
    local code, out = process.run {
      argv = { "curl", "-sk", "--max-time", "10", ("https://127.0.0.1:%d/"):format(n.port) },
      limit = 20,
    }
    assert.equal(0, code)
    assert.matches("web", out)
    local r = s_client.run { port = n.port, name = "localhost", args = { "-showcerts" } }
    assert.matches("neap, self%-signed", r.subject)
    local text = process.run {
      argv = { "openssl", "x509", "-noout", "-checkhost", "localhost", "-checkip", "127.0.0.1" },
      stdin = r.chain[1],
    }
    assert.equal(0, text)
  end)

  it("is the same certificate in all workers", function()
    local web = origin.start {}
    local n = neap.start { args = { "--tls", "-w", 2, "-l", "127.0.0.1:0", web.port } }
    local seen = {}
    for _ = 1, 6 do
      local r = s_client.run { port = n.port, name = "localhost", args = { "-showcerts" } }
      seen[r.chain[1]] = true
    end
    local first = next(seen)
    assert.is_nil(next(seen, first))
  end)

  it("goes only with backends on the command line, and with demo", function()
    local code, _, stderr = neap.run { "-c", "config.lua", "--tls" }
    assert.equal(1, code)
    assert.matches("%-%-tls goes with backends on the command line", stderr)
  end)
end)
