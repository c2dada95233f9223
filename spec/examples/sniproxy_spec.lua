local client = require "support.client"
local example = require "support.example"
local hello = require "support.client_hello"
local origin = require "support.origin"
local tcp = require "support.tcp"

describe("example sniproxy", function()
  local function start()
    local web = {}
    for i = 1, 3 do
      web[i] = origin.start { connection = tcp.named("web" .. i) }
    end
    return example.start("sniproxy", { [8081] = web[1], [8082] = web[2], [8083] = web[3] })
  end

  local function ask(n, sni)
    local c = client.connect(n.address)
    c:send(hello.of { sni = sni })
    return c:receive_until "\n"
  end

  it("takes each client to a server of the host that it asks for", function()
    local n = start()
    assert.equal("web1\n", ask(n, "app.example"))
    assert.equal("web2\n", ask(n, "APP.example"))
    assert.equal("web1\n", ask(n, "app.example."))
    assert.equal("web3\n", ask(n, "shop.example"))
  end)

  it("disconnects those who ask for nobody's", function()
    local n = start()
    assert.is_nil((ask(n, "other.example")))
    assert.is_nil((ask(n)))
  end)
end)
