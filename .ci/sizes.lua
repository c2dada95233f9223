-- usage: luajit .ci/sizes.lua FILE...
-- No file over 600 lines (specs 300), no function over 60, in C and in Lua. The functions given to
-- describe, insulate and expose are lists of specs and not counted.

local FILE_LINES, SPEC_LINES, FUNCTION_LINES = 600, 300, 60

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

local function check_function(path, name, first, last)
  local lines = last - first + 1
  if lines > FUNCTION_LINES then
    complain("%s:%d: %s has %d lines, more than %d", path, first, name, lines, FUNCTION_LINES)
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
          check_function(path, name, block.first, number)
        end
      end
    end
  end
end

local function check_c(paths)
  if #paths == 0 then return end
  local command = "ctags --languages=C --langmap=C:+.h --kinds-C=f --fields=+ne --sort=no -f - "
  local pipe = assert(io.popen(command .. table.concat(paths, " ")))
  for line in pipe:lines() do
    local name, path = line:match "^(%S+)\t(%S+)\t"
    local first, last = line:match "line:(%d+)", line:match "end:(%d+)"
    if first and last then check_function(path, name, tonumber(first), tonumber(last)) end
  end
  pipe:close()
end

local c_paths = {}
for _, path in ipairs(arg) do
  local text = read(path)
  check_file(path, text)
  if path:find "%.lua$" then
    check_lua(path, text)
  elseif path:find "%.[ch]$" then
    table.insert(c_paths, path)
  end
end
check_c(c_paths)
os.exit(bad == 0 and 0 or 1)
