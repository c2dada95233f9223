local neap = require "support.neap"
local udp = require "support.udp"

local HEALTH = [[health = { send = "ping", expect = "pong", interval = 0.2, timeout = 0.5 },]]

describe("a check of a udp service", function()
  it("sends a datagram, and wants the answer that is expected", function()
    local good = udp.server(function(bytes) return bytes == "ping" and "pong" or "good" end)
    local bad = udp.server(function(bytes) return bytes == "ping" and "no" or "bad" end)
    local n = udp.start({ good, bad }, HEALTH)
    n:wait_log(("unknown → down%%): Unreachable to 127.0.0.1:%d, error:expected 'pong', got 'no'")
      :format(bad.port))
    for _ = 1, 4 do assert.equal("good", udp.client(n.address):ask "x") end
  end)

  it("takes silence for health, and ICMP for death, where nothing is expected", function()
    local silent = udp.server(function() end)
    local c = udp.client "127.0.0.1:1"
    c:close()
    local n = udp.start({ silent, c.port }, "health = { interval = 0.2, timeout = 0.5 },")
    n:wait_log(("unknown → down%%): Unreachable to 127.0.0.1:%d, error:connection refused")
      :format(c.port))
    n:wait_log "checked ok by healthcheck"
  end)
end)

describe("the config of a udp service", function()
  local function why(text)
    local code, output = neap.check("return { " .. text .. " }")
    assert.equal(1, code)
    return output
  end

  it("has backends of UDP only", function()
    local text = why 'mode = "udp", backends = { "tcp://127.0.0.1:1", "unix:/run/x" }'
    assert.matches("'tcp://127.0.0.1:1' does not go with mode = 'udp' (expected udp://host:port)",
      text, 1, true)
    assert.matches("'unix:/run/x' does not go with mode = 'udp'", text, 1, true)
    assert.matches("'udp://127.0.0.1:1' goes only with mode = 'udp'",
      why 'backends = { "udp://127.0.0.1:1" }', 1, true)
  end)

  it("refuses keys that datagrams have no use for", function()
    local base = 'mode = "udp", backends = { "udp://127.0.0.1:1" }, '
    for key, literal in pairs {
      keepalive = "keepalive = {}", ["timeouts.tunnel"] = "timeouts = { tunnel = 5 }",
    } do
      assert.matches(key .. ": this goes only with mode = 'http'", why(base .. literal), 1, true)
    end
    assert.matches("responses: this goes only with mode = 'udp' (and it is 'tcp')",
      why 'mode = "tcp", responses = 1, backends = { "tcp://127.0.0.1:1" }', 1, true)
    assert.matches("a unix socket has no datagrams here",
      why(base .. 'listen = "unix:/tmp/x"'), 1, true)
  end)
end)
