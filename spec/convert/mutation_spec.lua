-- Damaged configurations: the converters say what is wrong, or write what Lua can read. They never
-- err, and never hang.

local notes_of = require "neap.convert.notes"
local scope = require "support.scope"
local source = require "neap.convert.source"

local ROUNDS = tonumber(os.getenv "NEAP_SPEC_MUTATIONS") or 200
local BITS = { "{", "}", ";", '"', "'", "\\", "$", "${", "%[", "]", "]]", "[[", "\n", "\0", "#",
  " ", "if", "=", "~", "(", ")", "$1", "!", "--[[", "\255", "if (", "unless", "|| ", "or", "-f",
  "-m", "include *;", "server", "default", "%", "%%ci", "a.b.c", "0", "-1", "1e9",
  "99999999999999999999" }

local change = {}

function change.cut(text, dice)
  local from = dice(#text)
  return text:sub(1, from - 1) .. text:sub(from + dice(40))
end

function change.insert(text, dice)
  local at = dice(#text)
  return text:sub(1, at) .. BITS[dice(#BITS)] .. text:sub(at + 1)
end

function change.copy(text, dice)
  local from, to = dice(#text), dice(#text)
  return text:sub(1, to) .. text:sub(from, from + dice(200)) .. text:sub(to + 1)
end

function change.byte(text, dice)
  local at = dice(#text)
  return text:sub(1, at - 1) .. string.char(dice(256) - 1) .. text:sub(at + 1)
end

function change.stop(text, dice) return text:sub(1, dice(#text)) end

-- One word of the text in the place of another.
function change.word(text, dice)
  local words = {}
  for from, word, to in text:gmatch "()(%S+)()" do table.insert(words, { from, to, word }) end
  local a, b = words[dice(#words)], words[dice(#words)]
  return text:sub(1, a[1] - 1) .. b[3] .. text:sub(a[2])
end

local KINDS = { "cut", "insert", "copy", "byte", "stop", "word", "insert", "word" }

local function damaged(text, dice)
  for _ = 1, dice(4) do
    if #text > 0 then text = change[KINDS[dice(#KINDS)]](text, dice) end
  end
  return text
end

-- A generator of its own, so that a seed gives the same everywhere.
local function dice_of(seed)
  local state = seed
  return function(n)
    state = (state * 16807) % 2147483647
    return state % n + 1
  end
end

-- The lines around the one that an error names.
local function around(text, why)
  local number, i, near = tonumber(why:match ":(%d+):") or 1, 0, {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    i = i + 1
    if math.abs(i - number) < 4 then table.insert(near, line) end
  end
  return table.concat(near, "\n")
end

local function readable(text, name, mutant)
  local ok, why = load(text, name)
  if not ok then error(("%s\n%s\n-- of\n%s"):format(why, around(text, why), mutant)) end
end

local function try(kind, mutant)
  local convert = require("neap.convert." .. kind)
  local ok, result, why = xpcall(convert, function(text)
    return debug.traceback(text) .. "\n-- of\n" .. mutant
  end, mutant, "spec/convert/mutant", source.new(), notes_of.new(), "made by a spec\nof " .. kind)
  if not ok then error(result, 0) end
  if not result then
    assert.equal("string", type(why))
    return false
  end
  readable(result.config, "config.lua", mutant)
  if result.policy then readable(result.policy, "policy.lua", mutant) end
  return true
end

local FILES = { { "nginx", "shop.conf" }, { "nginx", "wide.conf" }, { "haproxy", "shop.cfg" },
  { "haproxy", "wide.cfg" } }

describe("a damaged configuration", function()
  for _, row in ipairs(FILES) do
    it("is refused, or becomes Lua: " .. row[2], function()
      local text = scope.read("spec/convert/" .. row[2])
      local seed, written = os.time() % 100000 + 1, 0
      for i = 1, ROUNDS do
        local dice = dice_of(seed + i)
        for _ = 1, 5 do dice(2) end
        if try(row[1], damaged(text, dice)) then written = written + 1 end
      end
      assert.is_true(written > 0, ("seed %d: none was written"):format(seed))
    end)
  end
end)
