-- Limits in the test kit: the same answers, over its virtual clock.

local kit = require "neap.testing"

local neap = require "neap"

describe("a limit in the test kit", function()
  it("takes and looks over the virtual clock", function()
    local limit = neap.limit { rate = 1, per = 10, burst = 2 }
    local pool = kit.pool(1, { policy = { request = function(request)
      local passes, wait = limit:take(request)
      local left, reset = limit:look(request)
      return neap.reply { body = ("%s %s %d %g"):format(passes, wait, left, reset) }
    end } })
    local function ask(ip) return pool:send({ client_ip = ip }).body end
    assert.equal("true nil 1 10", ask "192.0.2.1")
    assert.equal("true nil 0 20", ask "192.0.2.1")
    assert.equal("false 10 0 20", ask "192.0.2.1")
    assert.equal("true nil 1 10", ask "2001:db8::1")
    assert.equal("true nil 0 20", ask "2001:db8::ffff:1")
    assert.equal("true nil 1 10", ask "2001:db8:0:1::1")
  end)

  it("takes a /64 for one client, whether the policy's key is called address or ip", function()
    for _, key in ipairs { "address", "ip" } do
      local policy = require "neap.policy.rate_limit" { rate = 1, key = key }
      local pool = kit.pool(1, { policy = policy })
      assert.equal(200, pool:send({ client_ip = "2001:db8::1" }).status)
      assert.equal(429, pool:send({ client_ip = "2001:db8::2" }).status)
      assert.equal(200, pool:send({ client_ip = "2001:db8:0:1::1" }).status)
    end
  end)

  it("lets the whole burst pass, whatever fractions of seconds it is made of", function()
    for _, rate in ipairs { 3, 5, 7, 30, 100 } do
      local limit = neap.limit { rate = rate }
      local pool = kit.pool(1, { policy = { request = function(request)
        return neap.reply { status = limit:take(request) and 200 or 429 }
      end } })
      local function passed(n)
        local count = 0
        for _ = 1, n do count = count + (pool:send({}).status == 200 and 1 or 0) end
        return count
      end
      assert.equal(rate, passed(rate + 3))
      pool:advance(1 / rate)
      assert.equal(1, passed(3))
      pool:advance(10.1)
      assert.equal(rate, passed(rate + 3))
    end
  end)
end)
