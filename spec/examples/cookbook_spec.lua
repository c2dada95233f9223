-- Each recipe of docs/cookbook.md, run as it stands: its policy, its config, and the lines that its
-- reader types, with what the page says they print.
local example = require "support.example"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local LINES_MAX = 15

-- The recipes in order: heading, policy, config, lines of the console.
local function recipes()
  local list, usual = {}, nil
  local page = scope.read "docs/cookbook.md"
  for text in (page .. "\n## "):gmatch "(.-)\n## " do
    local one = { name = text:match "^[^\n]+", console = text:match "```console\n(.-)```" }
    for code in text:gmatch "```lua\n(.-)```" do
      if code:find "^return {" then one.config = code else one.policy = code end
    end
    if one.policy then table.insert(list, one) else usual = one.config end
  end
  return list, usual
end

-- What the console shows: { command, output }.
local function typed(console)
  local list = {}
  for line in console:gmatch "[^\n]+" do
    local command = line:match "^%$ (.+)"
    if command then
      table.insert(list, { command, "" })
    else
      list[#list][2] = list[#list][2] .. line .. "\n"
    end
  end
  return list
end

-- What backends must have seen, where the client cannot tell.
local SEEN = {
  ["A bearer token"] = function(web)
    assert.equal("anna", web[1]:requests()[1].headers["x-user"])
  end,
  ["A prefix that backends do not know"] = function(web)
    assert.equal("/users", web[1]:requests()[1].target)
  end,
}

describe("the cookbook:", function()
  local all, usual = recipes()

  it("there are twenty recipes and more", function() assert.is_true(#all >= 20) end)

  for _, one in ipairs(all) do
    it(one.name, function()
      local _, lines = one.policy:gsub("\n", "")
      assert.is_true(lines <= LINES_MAX, lines .. " lines")
      local web = origin.several(3, { handler = function(conn) return conn.name .. "\n" end })
      local n = neap.start {
        config = example.moved(one.config or usual,
          { [8081] = web[1], [8082] = web[2], [8083] = web[3] }),
        files = { ["policy.lua"] = one.policy }, args = { "-w", "1" },
      }
      for _, step in ipairs(typed(one.console)) do
        local command = step[1]:gsub("localhost:8080", n.address):gsub("^curl ", "curl -s ")
        local _, out = process.run { argv = { "sh", "-c", command } }
        assert.equal(step[2], out, step[1])
      end
      if SEEN[one.name] then SEEN[one.name](web) end
    end)
  end
end)
