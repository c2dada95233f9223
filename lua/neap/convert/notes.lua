-- What the conversion could not say, or says in another way: collected with file and line, shown in
-- the output at its place and at the end on stderr.

local notes = {}
local Notes = {}
Notes.__index = Notes

local MAX = 2000 -- of a hostile file nobody reads more

function notes.new() return setmetatable({ list = {}, missing = 0, differs = 0 }, Notes) end

local function where(node) return ("%s:%d"):format(node.file, node.line) end

notes.where = where

local function add(self, kind, node, text)
  self[kind] = self[kind] + 1
  local line = ("%s: %s"):format(where(node), text)
  if #self.list < MAX then table.insert(self.list, { kind = kind, text = line }) end
  return line
end

-- It has no counterpart: the operator must decide.
---@return string  -- the comment for the output
function Notes:lacks(node, text) return "NOT CONVERTED " .. add(self, "missing", node, text) end

-- It is there, but not quite the same.
---@return string  -- the comment for the output
function Notes:other(node, text) return "DIFFERS " .. add(self, "differs", node, text) end

local TITLES = {
  { "missing", "Not converted:" },
  { "differs", "Converted, but works differently:" },
}

local function counted(n, one, many) return ("%d %s"):format(n, n == 1 and one or many) end

---@param write fun(text: string)
---@param what string  -- what was converted
function Notes:report(write, what)
  for _, row in ipairs(TITLES) do
    local kind, title = row[1], row[2]
    if self[kind] > 0 then write(title .. "\n") end
    for _, note in ipairs(self.list) do
      if note.kind == kind then write("  " .. note.text .. "\n") end
    end
  end
  if self.missing + self.differs > #self.list then
    write(("  … and %d more\n"):format(self.missing + self.differs - #self.list))
  end
  write(("%s: %s not converted, %s differently\n"):format(what,
    counted(self.missing, "thing is", "things are"), counted(self.differs, "works", "work")))
end

return notes
