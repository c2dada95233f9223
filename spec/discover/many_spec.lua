-- Lists of very many members: the most that there may be are taken, one more is refused as a whole.
local admin = require "support.admin"
local discovered = require "support.discovered"
local scope = require "support.scope"

local MOST = 16384

local function list_of(n)
  local members = {}
  for i = 1, n do
    members[i] = ('"10.0.%d.%d:80"'):format(math.floor(i / 256), i % 256)
  end
  return "[" .. table.concat(members, ",") .. "]"
end

describe("a registry with very many members", function()
  -- The agent needs seconds of CPU for it, more on a crowded machine: it is not taken for stuck.
  it("fills a pool with as many as a machine may have", function()
    local folder = scope.directory()
    scope.write(folder .. "/l.json", list_of(MOST))
    local n = discovered.start(('type = "file", path = "%s/l.json", max_members = %d')
      :format(folder, MOST))
    n:wait_log("now " .. MOST, 120)
    assert.is_nil(n:log():find("stuck", 1, true))
    scope.write(folder .. "/l.json", list_of(MOST + 1))
    n:wait_log("discover of pool .*" .. MOST + 1, 120)
    local pool = admin.status(n).pools[1]
    assert.equal(MOST, pool.count)
    assert.is_truthy(pool.discover.error:find(tostring(MOST), 1, true), pool.discover.error)
  end)
end)
