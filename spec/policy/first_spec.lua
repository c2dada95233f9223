local origin = require "support.origin"
local spread = require "support.spread"

local function slow(conn)
  conn:wait(0.3)
  return conn.name
end

describe("first", function()
  it("fills the slots of one before the next", function()
    local web, list = origin.several(3, { handler = slow }), {}
    for i = 1, 3 do list[i] = ("{ url = '%s', slots = 4 }"):format(web[i].url) end
    local n = spread.start(web, "'first'", { workers = 1, backends = table.concat(list, ", ") })
    assert.same({ web1 = 4, web2 = 3 }, (spread.at_once(n, 7)))
  end)

  it("needs one only for little traffic, over two workers", function()
    local n = spread.start(origin.several(3), "'first'")
    assert.same({ web1 = 30 }, (spread.one_by_one(n, 30)))
  end)
end)
