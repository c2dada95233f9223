local picks = require "support.picks"

local function near_share(found)
  local near, all = 0, 0
  for name, n in pairs(found.counts) do
    near, all = near + (name:find ":[1-4]$" and n or 0), all + n
  end
  return near / all
end

describe("zone", function()
  local p

  before_each(function()
    p = picks.start {
      policies = {
        zone = "require 'neap.policy.zone' { near = 'a', threshold = 0.5 }",
        nowhere = "require 'neap.policy.zone' { near = 'c' }",
      },
      pools = { web = ("backends = { %s, %s }"):format(picks.backends(4, 1, ", zone = 'a'"),
        picks.backends(4, 5, ", zone = 'b'")) },
    }
  end)

  it("stays near while enough of the near ones are up", function()
    assert.equal(1, near_share(p:ask("zone", "web", 400)))
    p:set("web", "down", 1)
    p:set("web", "down", 2)
    assert.equal(1, near_share(p:ask("zone", "web", 400)))
  end)

  it("spills over below the threshold, to the whole pool", function()
    for i = 1, 3 do p:set("web", "down", i) end
    -- one of four is half of the threshold: half stays, half is spread over the five that are up
    local share = near_share(p:ask("zone", "web", 2000))
    assert.is_true(share > 0.54 and share < 0.66, tostring(share))
    p:set("web", "down", 4)
    assert.equal(0, near_share(p:ask("zone", "web", 400)))
    for i = 1, 4 do p:set("web", "up", i) end
    assert.equal(1, near_share(p:ask("zone", "web", 400)))
  end)

  it("uses all where none is near", function()
    local share = near_share(p:ask("nowhere", "web", 400))
    assert.equal(0.5, share)
  end)
end)
