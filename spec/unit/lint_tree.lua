-- Trees of a few lines for the checks of lint.

local process = require "support.process"
local scope = require "support.scope"
local stdlib = require "posix.stdlib"
local unistd = require "posix.unistd"

local lint = {}

local ROOT = stdlib.realpath "."

-- The path of a tree with one room, src/r, of these files; excused: the text of .ci/not_yet.
function lint.tree(files, excused)
  local dir = scope.directory()
  local code, _, why = process.run { argv = { "mkdir", "-p", dir .. "/src/r", dir .. "/.ci" } }
  assert(code == 0, why)
  for _, name in ipairs { "circles.lua", "headers.lua", "sizes.lua", "ctags.lua" } do
    assert(unistd.link(ROOT .. "/.ci/" .. name, dir .. "/.ci/" .. name, true))
  end
  scope.write(dir .. "/.ci/not_yet", excused or "")
  for name, text in pairs(files) do scope.write(dir .. "/src/r/" .. name, text) end
  return dir
end

-- Its exit code, and what it says.
function lint.check(script, dir, ...)
  local code, out, err = process.run { argv = { "luajit", ".ci/" .. script, ... }, cwd = dir }
  assert(err == "", err)
  return code, out
end

return lint
