-- A page of the docs, as specs read it.
--
--   local page = Page.read "docs/architecture.md"
--   page.text                       one line, blanks single
--   page:section(title) → text      below the heading, up to the next one of that rank
--   page:rows(title, n) → rows      the first (nth) table below it: lists of cells, no head
--   page:quoted() → words           all that stands in backticks, outside fences, each once
--   Page.quoted_in(text) → words

local tree = require "support.tree"

local Page = {}
Page.__index = Page

function Page.read(path)
  local raw = tree.read(path)
  local prose = raw:gsub("```.-```", "")
  return setmetatable({
    path = path, raw = raw, prose = prose, text = raw:gsub("%s+", " "),
  }, Page)
end

function Page:section(title)
  local lines, rank = {}, nil
  for line in (self.raw .. "\n"):gmatch "([^\n]*)\n" do
    local marks, heading = line:match "^(#+) (.*)$"
    if rank and marks and #marks <= rank then break end
    if rank then lines[#lines + 1] = line end
    if heading and heading:find(title, 1, true) == 1 then rank = #marks end
  end
  return assert(rank and table.concat(lines, "\n"), self.path .. " has no section " .. title)
end

local function cells_of(line)
  local cells = {}
  for cell in line:gmatch "|%s*([^|]-)%s*%f[|]" do cells[#cells + 1] = cell end
  return cells
end

function Page:rows(title, nth)
  local tables, rows = {}, nil
  for line in (self:section(title) .. "\n"):gmatch "([^\n]*)\n" do
    if line:find "^|%-" then
      rows = {}
      tables[#tables + 1] = rows
    elseif rows and line:find "^|" then
      rows[#rows + 1] = cells_of(line)
    else
      rows = nil
    end
  end
  return assert(tables[nth or 1], self.path .. " has no such table below " .. title)
end

function Page.quoted_in(text)
  local words, seen = {}, {}
  for word in text:gmatch "`([^`\n]+)`" do
    if not seen[word] then words[#words + 1] = word end
    seen[word] = true
  end
  return words
end

function Page:quoted() return Page.quoted_in(self.prose) end

return Page
