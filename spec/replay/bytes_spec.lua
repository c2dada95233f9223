local origin = require "support.origin"
local replay = require "support.replay"

-- Picks the first backend for these bytes, whatever the other headers have.
local BY_BYTES = [[return { pick = function(request, pool)
  local own = request:header "X-Own"
  local is_right = own == "\195\164\255\195\131" or own == "\195\131\194\164"
  return pool[is_right and 1 or 2]
end }]]

describe("A recording", function()
  it("has the bytes of headers as they came, UTF-8 or not", function()
    local web = origin.several(2)
    local n = replay.start({ web[1], web[2] }, ('policy = load(%q)()'):format(BY_BYTES))
    local path = replay.record(n, { "--count", 2 }, function()
      assert.equal("web1", n:get("/", { ["X-Own"] = "\195\164\255\195\131" }).body)
      assert.equal("web1", n:get("/", { ["X-Own"] = "\195\131\194\164" }).body)
    end)
    local result = replay.json(path, BY_BYTES)
    assert.same({ 2, 0 }, { result.requests, result.different })
  end)
end)
