local neap = require "support.neap"
local scope = require "support.scope"

-- The commands of the page that need no file of the reader's, with their lines joined.
local function commands()
  local list = {}
  for block in scope.read "docs/simulate.md":gmatch "```sh\n(.-)```" do
    local command = block:gsub("\\\n%s*", ""):gsub("\n", "")
    if command:find "%-%-svg" then table.insert(list, command) end
  end
  return list
end

describe("docs/simulate.md", function()
  it("has pictures that its commands draw", function()
    local text = scope.read "docs/simulate.md"
    local list = commands()
    assert.equal(3, #list)
    for _, command in ipairs(list) do
      local picture = command:match "%-%-svg docs/(%S+)"
      assert.is_truthy(text:find("(" .. picture .. ")", 1, true), picture)
      local dir = scope.directory()
      local short = command:gsub("%-%-duration 30", "--duration 3") -- a picture of the same form
      local args = { "-c", short:gsub("^neap", '"$0"'):gsub("docs/simulate/", ""), neap.binary }
      local p = require("support.process").spawn { argv = { "sh", unpack(args) }, cwd = dir,
        name = "sim" }
      assert.equal(0, p:wait(60), p:log())
      local drawn = scope.read(dir .. "/" .. picture:match "[^/]+$")
      local kept = scope.read("docs/" .. picture)
      assert.equal(kept:match "viewBox=(%b\"\")", drawn:match "viewBox=(%b\"\")")
      for name in kept:gmatch 'class="name">([%a_]+)<' do
        assert.is_truthy(drawn:find(">" .. name .. "<", 1, true), name)
      end
    end
  end)
end)
