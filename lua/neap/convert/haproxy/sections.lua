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

-- The lines of that first word: its own, or else those of its defaults.
function Section:all(name, second)
  local found = {}
  for _, line in ipairs(self.lines) do
    if line[1] == name and (not second or line[2] == second) then table.insert(found, line) end
  end
  if #found == 0 and self.defaults then return self.defaults:all(name, second) end
  return found
end

---@return table? line  -- the last one
function Section:last(name, second)
  local found = self:all(name, second)
  return found[#found]
end

-- `option name`, unless the last word about it is `no option name`.
function Section:option(name)
  for i = #self.lines, 1, -1 do
    local line = self.lines[i]
    if line[1] == "option" and line[2] == name then return line end
    if line[1] == "no" and line[2] == "option" and line[3] == name then return nil end
  end
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
