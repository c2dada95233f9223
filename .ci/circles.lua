-- usage: luajit .ci/circles.lua            no circle in any room; exit 1 and the circles otherwise
--        luajit .ci/circles.lua ROOM...    the circles of these rooms, those of .ci/not_yet as well
--
-- The files of a room stand above one another: no file needs itself by way of others. X.c and X.h
-- are one file, X. A file needs another of its room
--
--   * when it includes its header, or
--   * when it takes a name of it: a function or a variable that its .c gives to others; an inline
--     function, a struct, union or enum, an enumerator, a type or a macro of its header. It takes a
--     name when its text says it outside comments, strings and members (`x.name`, `x->name`).
--
-- Three things are no taking: a declaration in a header (a header may declare what other files
-- define), a line `struct x;` with the pointers to it in a header that has such a line, and
-- `struct x` in a text that does not see the definition, directly or through other headers. There
-- the pointer is only passed on.
--
-- A room of .ci/not_yet has circles still. Once it has none, the check says that its line may go.

package.path = ".ci/?.lua;" .. package.path
local ctags = require "ctags"

-- Headers that are files of their own, beside the .c of their name: what C and Lua share.
local function is_alone(path) return path:find "^src/script/abi[%w_]*%.h$" ~= nil end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function lines_of(command)
  local pipe, list = assert(io.popen(command)), {}
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

local function sorted_keys(set)
  local keys = {}
  for key in pairs(set) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- The end of the comment, string or character that begins at `at`; nil: none begins there.
local function end_of_blank(text, at)
  local two = text:sub(at, at + 1)
  if two == "/*" then return select(2, text:find("*/", at + 2, true)) or #text end
  if two == "//" then return (text:find("\n", at, true) or #text + 1) - 1 end
  local quote = text:sub(at, at)
  if quote ~= '"' and quote ~= "'" then return nil end
  local i = at + 1
  while i <= #text and text:sub(i, i) ~= quote do
    i = i + (text:sub(i, i) == "\\" and 2 or 1)
  end
  return i
end

-- The text without comments, strings and characters; the line ends stay.
local function strip(text)
  local out, at = {}, 1
  while true do
    local stop = text:find("[/\"']", at)
    if not stop then break end
    out[#out + 1] = text:sub(at, stop - 1)
    local last = end_of_blank(text, stop)
    out[#out + 1] = last and text:sub(stop, last):gsub("[^\n]", " ") or "/"
    at = (last or stop) + 1
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
end

-- A text is one .c or .h: its room, the file it belongs to, the headers it includes, its code, and
-- the tags it declares by a line of their own.
local function text_of(path)
  local room, file, kind = path:match "^src/([^/]+)/(.*)%.([ch])$"
  local raw = read(path)
  if is_alone(path) then file = file .. ".h" end
  local text = {
    path = path, room = room, file = file, is_header = kind == "h",
    includes = {}, declared = {}, declarations = {}, code = strip(raw),
  }
  for included in ("\n" .. raw):gmatch '\n%s*#%s*include%s+"([^"]+)"' do
    table.insert(text.includes, "src/" .. included)
  end
  for tag in ("\n" .. text.code):gmatch "\n%s*[seu]%l+%s+([%w_]+)%s*;" do
    text.declared[tag] = true
  end
  return text
end

local function texts_of(paths)
  local texts = {}
  for _, path in ipairs(paths) do texts[path] = text_of(path) end
  return texts
end

-- Every header that a text sees, directly or through others.
local function seen_by(texts, text)
  if text.sees then return text.sees end
  text.sees = { [text.path] = true }
  for _, path in ipairs(text.includes) do
    if texts[path] then
      for seen in pairs(seen_by(texts, texts[path])) do text.sees[seen] = true end
    end
  end
  return text.sees
end

local TAGS = { struct = true, union = true, enum = true }
-- In a .c a name is for others only when it is a function or a variable without `static`.
local OF_SOURCE = { ["function"] = true, variable = true }

-- names[room][name] = the text that defines it ("name tag" for a tag), from ctags; the declarations
-- of what other files define are noted in the texts that have them.
local function names_of(paths, texts)
  local names = {}
  for _, tag in ipairs(ctags.read("fvsugetdpx", paths)) do
    local text = texts[tag.path]
    if tag.kind == "prototype" or tag.kind == "externvar" then
      text.declarations[tag.name .. ":" .. tag.first] = true
    elseif text.is_header or (OF_SOURCE[tag.kind] and not tag.is_static) then
      names[text.room] = names[text.room] or {}
      names[text.room][tag.name .. (TAGS[tag.kind] and " tag" or "")] = text
    end
  end
  return names
end

-- needs[from][to][name] = true, of the files of one room
local function note(needs, from, to, name)
  if from == to then return end
  needs[from] = needs[from] or {}
  needs[from][to] = needs[from][to] or {}
  needs[from][to][name] = true
end

local function takes_tag(texts, text, name, owner)
  if text.is_header and text.declared[name] then return false end
  return seen_by(texts, text)[owner.path]
end

local function takes_name(texts, text, name, owner, before, number)
  if before:find "[^.]%.$" or before:find "%->$" then return false end
  if owner.is_header then return seen_by(texts, text)[owner.path] end
  return not (text.is_header and text.declarations[name .. ":" .. number])
end

local function note_names(needs, texts, names, text)
  local number, last = 0, ""
  for line in (text.code .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    for before, name in (" " .. line):gmatch "([^%w_]*)([%a_][%w_]*)" do
      local owner, tag = names[name], names[name .. " tag"]
      if TAGS[last] and before:find "^%s+$" then
        if tag and takes_tag(texts, text, name, tag) then
          note(needs, text.file, tag.file, last .. " " .. name)
        end
      elseif owner and takes_name(texts, text, name, owner, before, number) then
        note(needs, text.file, owner.file, name)
      end
      last = name
    end
  end
end

local function needs_of(room, texts, names)
  local needs = {}
  for _, text in pairs(texts) do
    if text.room == room then
      for _, path in ipairs(text.includes) do
        local included = texts[path]
        if included and included.room == room then
          note(needs, text.file, included.file, '"' .. path:match "[^/]+$" .. '"')
        end
      end
      note_names(needs, texts, names[room] or {}, text)
    end
  end
  return needs
end

-- Tarjan: the sets of files that all need each other, larger than one.
local function circles_of(needs)
  local index, low, on_stack, stack, count, circles = {}, {}, {}, {}, 0, {}
  local function visit(file)
    count = count + 1
    index[file], low[file], on_stack[file] = count, count, true
    stack[#stack + 1] = file
    for _, to in ipairs(sorted_keys(needs[file] or {})) do
      if not index[to] then visit(to) end
      if on_stack[to] then low[file] = math.min(low[file], low[to]) end
    end
    if low[file] ~= index[file] then return end
    local circle = {}
    repeat
      local top = table.remove(stack)
      on_stack[top] = nil
      circle[top] = true
    until top == file
    if next(circle, next(circle)) then circles[#circles + 1] = circle end
  end
  for _, file in ipairs(sorted_keys(needs)) do
    if not index[file] then visit(file) end
  end
  return circles
end

local function show(room, needs, circle)
  local files = sorted_keys(circle)
  print(("src/%s: a circle of %d: %s"):format(room, #files, table.concat(files, ", ")))
  for _, from in ipairs(files) do
    for _, to in ipairs(sorted_keys(needs[from])) do
      if circle[to] then
        print(("  %s -> %s: %s"):format(from, to, table.concat(sorted_keys(needs[from][to]), ", ")))
      end
    end
  end
end

local function excused_rooms()
  local excused = {}
  for line in io.lines ".ci/not_yet" do
    local room = line:match "^circle src/(.*)$"
    if room then excused[room] = true end
  end
  return excused
end

local paths = lines_of "find src -name '*.[ch]' | sort"
local texts = texts_of(paths)
local names = names_of(paths, texts)
local rooms, excused, bad = {}, #arg > 0 and {} or excused_rooms(), false
for _, text in pairs(texts) do rooms[text.room] = true end

for _, room in ipairs(#arg > 0 and arg or sorted_keys(rooms)) do
  local needs = needs_of(room, texts, names)
  local circles = circles_of(needs)
  if excused[room] and #circles == 0 then
    print(("src/%s has no circle: its line may go from .ci/not_yet"):format(room))
    bad = true
  elseif not excused[room] then
    for _, circle in ipairs(circles) do show(room, needs, circle) end
    bad = bad or #circles > 0
  end
end
os.exit(bad and 1 or 0)
