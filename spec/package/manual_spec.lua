local neap = require "support.neap"
local process = require "support.process"
local scope = require "support.scope"

-- A page as its reader sees it, without what makes letters bold.
local function page(path)
  local _, out = process.run { argv = { "groff", "-man", "-Tascii", "-P-cbou", path } }
  return out
end

local function assert_has(words, text)
  for _, word in ipairs(words) do
    assert.is_true(text:find(word, 1, true) ~= nil, word .. " is not in the page")
  end
end

local function flags_of(help)
  local list = {}
  for flag in help:gmatch "%f[%S]%[?(%-%-%l+)" do table.insert(list, flag) end
  return list
end

describe("the manual", function()
  for file in io.popen "ls docs/man/*.[1-8]":lines() do
    it("has no mistakes in " .. file, function()
      local code, _, err = process.run { argv = { "groff", "-man", "-Tutf8", "-ww", "-z", file } }
      assert.same({ 0, "" }, { code, err })
    end)
  end

  for _, verb in ipairs { "sim", "replay", "convert" } do
    it("has all flags of neap " .. verb, function()
      local _, help = neap.run { verb, "--help" }
      local flags = flags_of(help)
      assert.is_true(#flags > 0)
      assert_has(flags, page("docs/man/neap-" .. verb .. ".1"))
    end)
  end

  it("has each command in neap(8)", function()
    local _, help = neap.run { "--help" }
    local verbs = {}
    for verb in help:gmatch "\n       neap (%l+) " do table.insert(verbs, verb) end
    assert.is_true(#verbs > 10)
    assert_has(verbs, page "docs/man/neap.8")
  end)

  it("is read where the page's name leads", function()
    for file in io.popen "ls docs/man/*.[1-8]":lines() do
      local name, section = file:match "/([^/]+)%.(%d)$"
      assert.matches(("%%.TH %s %s "):format(name:upper():gsub("%-", "%%-"), section),
        scope.read(file))
    end
  end)
end)
