local case = require "unit.config_case"

local function why(text)
  local config, reason = case.load("return { mode = 'udp', " .. text .. "}")
  assert.is_nil(config, text)
  return reason
end

local ONE = 'backends = { "udp://h:1" }, '
local V2 = "send_proxy: before datagrams goes a header of version 2 alone (expected 2)"

describe("mode = 'udp'", function()
  it("takes PROXY headers of version 2, both ways", function()
    local config = assert(case.load([[return { mode = "udp", proxy_protocol = true, send_proxy = 2,
      backends = { "udp://h:1", { url = "udp://h:2", send_proxy = false } } }]]))
    assert.equal(2, config.pools[1].send_proxy)
    assert.is_true(config.services[1].listens[1].proxy_protocol)
  end)

  it("takes source = 'client' there only", function()
    local config = assert(case.load("return { mode = 'udp', source = 'client', " .. ONE .. "}"))
    assert.equal("client", config.pools[1].source)
    for _, own in ipairs { "http", "tcp" } do
      local _, reason = case.load(([[return { mode = "%s", source = "client",
        backends = { "%s://h:1" } }]]):format(own, own))
      assert.truthy(reason:find("source: 'client' goes only with mode = 'udp'", 1, true), reason)
    end
  end)

  it("takes no other ones", function()
    for _, value in ipairs { "1", "{ version = 1 }", "{ tls = true }" } do
      assert.truthy(why(ONE .. "send_proxy = " .. value):find(V2, 1, true))
      local reason = why(('backends = { { url = "udp://h:1", send_proxy = %s } }'):format(value))
      assert.truthy(reason:find("backends[1]." .. V2, 1, true), reason)
    end
  end)
end)
