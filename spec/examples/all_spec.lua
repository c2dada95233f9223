-- What holds for every example, whoever adds one.
local example = require "support.example"
local scope = require "support.scope"

describe("every example", function()
  local names = example.names()

  it("has a page that says how to try it, and a spec", function()
    for _, name in ipairs(names) do
      local page = example.text(name, "README.md")
      assert.matches("^# ", page, name .. "/README.md")
      assert.matches("neap %-c examples/" .. name:gsub("%p", "%%%0") .. "/", page, name)
      local spec = ("spec/examples/%s_spec.lua"):format((name:gsub("-", "_")))
      assert.not_equal("", scope.read(spec), spec .. " is missing")
    end
  end)

  it("is accepted by neap -t", function()
    for _, name in ipairs(names) do
      local file = example.text(name, "config.lua") ~= "" and "config.lua" or "config.json"
      local code, output = example.check(name, file)
      assert.equal(0, code, output)
    end
  end)

  it("is in the list of examples/README.md", function()
    local list = example.text(".", "README.md")
    for _, name in ipairs(names) do
      assert.is_truthy(list:find("](" .. name .. "/", 1, true), name .. " is not in the list")
    end
  end)
end)
