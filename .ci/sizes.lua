-- usage: luajit .ci/sizes.lua FILE...           complains of what is too long
--        luajit .ci/sizes.lua --median FILE...  says how long the functions of the C files are
--
-- No file over 600 lines (specs 300), no function over 50 in C and over 60 in Lua. The functions
-- given to describe, insulate and expose are lists of specs and not counted.

package.path = ".ci/?.lua;" .. package.path
local ctags = require "ctags"

local FILE_LINES, SPEC_LINES, C_LINES, LUA_LINES = 600, 300, 50, 60

local bad = 0

local function complain(...)
  print(string.format(...))
  bad = bad + 1
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function check_file(path, text)
  local _, lines = text:gsub("\n", "")
  local limit = path:find "_spec%.lua$" and SPEC_LINES or FILE_LINES
  if lines > limit then complain("%s: %d lines, more than %d", path, lines, limit) end
end

local function check_function(path, name, first, last, limit)
  local lines = last - first + 1
  if lines > limit then
    complain("%s:%d: %s has %d lines, more than %d", path, first, name, lines, limit)
  end
end

-- Strings and comments become blanks; line ends stay.
local function strip(text)
  local function blank(part) return (part:gsub("[^\n]", " ")) end
  local out, position = {}, 1
  while position <= #text do
    local rest = text:match("^%-%-%[(=*)%[", position)
    local long = rest or text:match("^%[(=*)%[", position)
    local last
    if long then
      last = select(2, text:find("]" .. long .. "]", position, true))
    elseif text:find("^%-%-", position) then
      last = (text:find("\n", position, true) or #text + 1) - 1
    elseif text:find("^[\"']", position) then
      local quote = text:sub(position, position)
      last = position + 1
      while last <= #text and text:sub(last, last) ~= quote do
        last = last + (text:sub(last, last) == "\\" and 2 or 1)
      end
    end
    if last then
      table.insert(out, blank(text:sub(position, last)))
    else
      last = position
      table.insert(out, text:sub(position, position))
    end
    position = last + 1
  end
  return table.concat(out)
end

local OPENS = { ["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true }
local CLOSES = { ["end"] = true, ["until"] = true }

local function is_list_of_specs(line)
  return line:find "^%s*describe%W" or line:find "^%s*insulate%W" or line:find "^%s*expose%W"
end

local function check_lua(path, text)
  local stack, number = {}, 0
  for line in (strip(text) .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    for word in line:gmatch "[%w_]+" do
      if OPENS[word] then
        table.insert(stack, { word = word, first = number, line = line })
      elseif CLOSES[word] then
        local block = table.remove(stack) or {}
        if block.word == "function" and not is_list_of_specs(block.line) then
          local name = block.line:match "function%s+([%w_.:]+)" or "a function"
          check_function(path, name, block.first, number, LUA_LINES)
        end
      end
    end
  end
end

local function check_c(paths)
  for _, f in ipairs(ctags.read("f", paths)) do
    check_function(f.path, f.name, f.first, f.last, C_LINES)
  end
end

local function show_lengths(paths)
  local lengths = {}
  for _, f in ipairs(ctags.read("f", paths)) do table.insert(lengths, f.last - f.first + 1) end
  table.sort(lengths)
  local function at(part) return lengths[math.max(1, math.ceil(#lengths * part))] or 0 end
  print(("%d functions: median %d lines, 90 of 100 at most %d, the longest %d")
    :format(#lengths, at(0.5), at(0.9), at(1)))
end

local function check(paths)
  local c_paths = {}
  for _, path in ipairs(paths) do
    local text = read(path)
    check_file(path, text)
    if path:find "%.lua$" then
      check_lua(path, text)
    elseif path:find "%.[ch]$" then
      table.insert(c_paths, path)
    end
  end
  check_c(c_paths)
end

if arg[1] == "--median" then
  show_lengths { unpack(arg, 2) }
else
  check(arg)
end
os.exit(bad == 0 and 0 or 1)
