-- The sections of HAProxy's configuration.
--
-- A section: { kind =, name =, file =, line =, lines = {}, defaults = section or nil }; a line:
-- { words…, name = first word, file =, line = }.

local lexer = require "neap.convert.haproxy.lexer"

local sections = {}
local Section = {}
Section.__index = Section

local LINES = 100000

local KINDS = {}
for word in ("global defaults frontend backend listen userlist peers mailers resolvers program "
  .. "http-errors ring cache log-forward fcgi-app crt-store traces"):gmatch "%S+" do
  KINDS[word] = true
end

-- Its own lines, by their first word and by their first two.
local function index_of(self)
  if self.index then return self.index end
  self.index = {}
  local function add(key, line)
    self.index[key] = self.index[key] or {}
    table.insert(self.index[key], line)
  end
  for _, line in ipairs(self.lines) do
    add(line[1], line)
    if line[2] then add(line[1] .. " " .. line[2], line) end
    if line[1] == "no" and line[3] then add(table.concat(line, " ", 1, 3), line) end
  end
  return self.index
end

local NONE = {}

-- The lines of that first word: its own, or else those of its defaults.
function Section:all(name, second)
  local found = index_of(self)[second and name .. " " .. second or name]
  if found then return found end
  return self.defaults and self.defaults:all(name, second) or NONE
end

---@return table? line  -- the last one
function Section:last(name, second)
  local found = self:all(name, second)
  return found[#found]
end

-- `option name`, unless the last word about it is `no option name`.
function Section:option(name)
  local index = index_of(self)
  local is, is_not = index["option " .. name], index["no option " .. name]
  if is and is_not and is_not[#is_not].line > is[#is].line then return nil end
  if is then return is[#is] end
  if is_not then return nil end
  return self.defaults and self.defaults:option(name)
end

-- Its own lines whose first word is one of these, in order.
function Section:rules(names)
  local found = {}
  for _, line in ipairs(self.lines) do
    if names[line[1]] then table.insert(found, line) end
  end
  return found
end

local function begin(list, line, state)
  local section = setmetatable({ kind = line[1], name = line[2], file = line.file,
    line = line.line, lines = {} }, Section)
  local from
  for i = 2, #line - 1 do
    if line[i] == "from" then from = state.named[line[i + 1]] end
  end
  if section.kind == "defaults" then
    section.defaults = from
    state.defaults = section
    if section.name then state.named[section.name] = section end
  else
    section.defaults = section.kind ~= "global" and (from or state.defaults) or nil
  end
  table.insert(list, section)
  return section
end

---@param text string
---@return table[]? sections, string? why
function sections.read(text, file)
  local list, current, number = {}, nil, 0
  local state = { named = {} }
  -- linear: each line is taken once
  for raw in (text .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    if number > LINES then return nil, ("%s: more than %d lines"):format(file, LINES) end
    local line, why = lexer.words(raw)
    if not line then return nil, ("%s:%d: %s"):format(file, number, why) end
    line.file, line.line = file, number
    if KINDS[line[1]] then
      current = begin(list, line, state)
    elseif #line > 0 then
      if not current then
        return nil, ("%s:%d: '%s' before any section"):format(file, number, line[1])
      end
      line.name = line[1]
      table.insert(current.lines, line)
    end
  end
  return list
end

return sections
