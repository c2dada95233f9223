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
end)
