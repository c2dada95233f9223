local case = require "unit.config_case"

local function why(text)
  local config, reason = case.load("return {" .. text .. "}")
  assert.is_nil(config, text)
  return reason
end

local TCP = 'mode = "tcp", backends = { "tcp://h:1" }, '

describe("mode = 'tcp'", function()
  it("takes tcp:// and unix: backends", function()
    local config = assert(case.load [[
      return { mode = "tcp", backends = { "tcp://h:1", "unix:/s" } }
    ]])
    local b = config.pools[1].backends[1]
    assert.same({ "tcp", "h", 1, "h:1" }, { b.scheme, b.host, b.port, b.name })
  end)

  it("is refused with backends that speak http, and the other way round", function()
    assert.truthy(why('mode = "tcp", backends = { "http://h:1" }'):find(
      "backends[1]: 'http://h:1' does not go with mode = 'tcp' (expected "
        .. "tcp://host:port or tls://host:port)", 1,
      true))
    assert.truthy(why('backends = { "http://h:1", "tcp://h:2" }'):find(
      "backends[2]: 'tcp://h:2' goes only with mode = 'tcp' (expected "
        .. "http://host:port or https://host:port)", 1, true))
    assert.truthy(why([[pools = { p = { backends = { "tcp://h:2" } } },
      services = { { listen = ":1", mode = "tcp", pool = "p" }, { listen = ":2", pool = "p" } }]])
      :find("pools.p.backends[1]: 'tcp://h:2' goes only with", 1, true))
  end)

  it("is refused with keys that are about requests", function()
    for text, key in pairs {
      ["forwarded = { trust = { 'unix' } }"] = "forwarded",
      ["keepalive = { idle = 1 }"] = "keepalive",
      ["timeouts = { connect = 1, response = 1 }"] = "timeouts.response",
      ["limits = { connections = 1, uri_bytes = 100 }"] = "limits.uri_bytes",
      ["retry = { status = { 502 } }"] = "retry.status",
      ["retry = { budget = {} }"] = "retry.budget",
    } do
      local reason = why(TCP .. text)
      local expected = key .. ": this goes only with mode = 'http' (and it is 'tcp')"
      assert.truthy(reason:find(expected, 1, true), reason)
    end
  end)

  it("is refused with such keys in the pool it uses, unless another service has use for them",
    function()
      local text = [[services = { { listen = ":1", mode = "tcp", pool = "p", name = "db" }, %s },
        pools = { p = { backends = { "unix:/s" }, keepalive = { idle = 1 },
          retry = { unsafe = true }, timeouts = { response = 1 } } }]]
      local reason = why(text:format "")
      for _, key in ipairs { "keepalive", "retry.unsafe", "timeouts.response" } do
        local expected = ("pools.p.%s: this goes only with mode = 'http' (and the service that "
          .. "uses it, 'db', has mode = 'tcp')"):format(key)
        assert.truthy(reason:find(expected, 1, true), reason)
      end
      assert(case.load("return {" .. text:format '{ listen = ":2", pool = "p" }' .. "}"))
    end)

  it("takes those that are about connections", function()
    assert(case.load("return {" .. TCP .. [[proxy_protocol = true, send_proxy = 2,
      timeouts = { connect = 1, tunnel = 60, request = 5, drain = 1, client_header = 1 },
      limits = { connections = 5 }, retry = { attempts = 2 }, health = { interval = 1 } }]]))
  end)
end)
