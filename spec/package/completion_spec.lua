-- Completion of the command line in bash, fish and zsh.
local neap = require "support.neap"
local process = require "support.process"

local FILES = { "neap.bash", "neap.fish", "_neap" }

local function run(...)
  local code, out, err = process.run { argv = { ... } }
  assert.same({ 0, "" }, { code, err })
  return out
end

local function text_of(file)
  local f = assert(io.open("packaging/completion/" .. file))
  local text = f:read "*a"
  f:close()
  return text
end

-- The commands and long options that neap has.
local function known()
  local words = {}
  local _, out = neap.run { "--help" }
  for verb in out:gmatch "[:\n] +neap (%l+) " do words[verb] = true end
  for option in out:gmatch "\n  [ -].[ ,] %-%-([%l-]+)" do words[option] = true end
  return words
end

describe("completion", function()
  it("knows every command and option, in each shell", function()
    local words = known()
    assert.is_true(words.drain and words["token-file"])
    for _, file in ipairs(FILES) do
      local text = text_of(file)
      for word in pairs(words) do
        local pattern = "%f[%w]" .. word:gsub("%-", "%%-") .. "%f[%W]"
        assert.is_truthy(text:find(pattern), file .. " does not know " .. word)
      end
    end
  end)

  it("in bash completes commands, flags and policies", function()
    local function complete(...)
      local words = { "neap", ... }
      local _, out = process.run { argv = { "bash", "-c", ([[source packaging/completion/neap.bash
        COMP_WORDS=(%s); COMP_CWORD=%d; _neap; printf '%%s\n' "${COMPREPLY[@]}"]])
        :format("'" .. table.concat(words, "' '") .. "'", #words - 1) } }
      return out -- compopt complains: no completion is under way
    end
    assert.equal("reload\n", complete "rel")
    assert.equal("--pid-file\n--pid\n", complete("reload", "--p"))
    assert.equal("two_choices\n", complete("sim", "--policy", "two"))
    assert.equal("--token-file\n", complete("drain", "--to"))
    assert.equal("weight\n", complete("help", "w"))
  end)

  it("in fish completes commands and flags", function()
    local function complete(line)
      return run("fish", "--no-config", "-c", ([[source packaging/completion/neap.fish
        complete -C '%s']]):format(line))
    end
    assert.equal("drain\tA backend gets nothing new\n", complete "neap dr")
    assert.equal("--token-file\tA file with the admin side's token\n", complete "neap drain --to")
    assert.equal("--follow\tGo on with what comes\n", complete "neap logs --fo")
    assert.equal("", complete "neap logs --to")
  end)

  it("in zsh is read without a mistake", function()
    assert.equal("", run("zsh", "-n", "packaging/completion/_neap"))
  end)
end)
