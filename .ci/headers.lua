-- usage: luajit .ci/headers.lua FILE...    (C files under src/)
-- No umbrella header: a header declares the functions that its own .c defines, not those of other
-- files, and has something of its own beside what it includes. Who includes it says what it needs.

package.path = ".ci/?.lua;" .. package.path
local ctags = require "ctags"

-- These are read by two languages, and declare what several files define.
local function is_contract(path) return path:find "^src/script/abi[%w_]*%.h$" ~= nil end

local tags = ctags.read("fpsugetdvx", arg)
local definers, has_own = {}, {}

for _, tag in ipairs(tags) do
  if tag.kind == "function" and tag.path:find "%.c$" and not tag.is_static then
    definers[tag.path:match "^.*/" .. tag.name] = tag.path
  end
  if tag.name:find "_H$" == nil then has_own[tag.path] = true end
end

for _, tag in ipairs(tags) do
  local definer = definers[tag.path:match "^.*/" .. tag.name]
  if tag.kind == "prototype" and tag.path:find "%.h$" and not is_contract(tag.path)
    and definer and definer ~= tag.path:gsub("h$", "c") then
    print(("%s:%d: declares %s, which %s defines"):format(tag.path, tag.first, tag.name, definer))
  end
end

for _, path in ipairs(arg) do
  if path:find "%.h$" and not has_own[path] then
    print(("%s:1: has nothing but what it includes"):format(path))
  end
end
