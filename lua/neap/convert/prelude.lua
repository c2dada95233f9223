-- The functions that a converted policy begins with: as many as it needs. They stand in
-- share/convert/, between their marks.

local native = require "neap.native"

local prelude = {}

-- The chunks of a file: { name =, text = }, in their order. A chunk begins with a line `--: name`.
local function chunks_of(path)
  local chunks, current = {}, nil
  -- linear: of our own file
  for line in assert(native.embedded(path)):gmatch "([^\n]*)\n" do
    local name = line:match "^%-%-: ([%w_]+)$"
    if name == "end" then break end
    if name then
      current = { name = name, lines = {} }
      table.insert(chunks, current)
    elseif current then
      table.insert(current.lines, line)
    end
  end
  for _, chunk in ipairs(chunks) do chunk.text = table.concat(chunk.lines, "\n") end
  return chunks
end

local function note_words(text, words)
  for line in text:gmatch "[^\n]+" do
    if not line:find "^%s*%-%-" then
      for word in line:gmatch "[%a_][%w_]*" do words[word] = true end
    end
  end
end

---@param path string  -- "share/convert/nginx.lua"
---@param text string  -- of the policy
---@return string  -- the functions that it mentions, and those that these mention
function prelude.of(path, text)
  local chunks, words, kept = chunks_of(path), {}, {}
  note_words(text, words)
  for i = #chunks, 1, -1 do
    if words[chunks[i].name] then
      note_words(chunks[i].text, words)
      table.insert(kept, 1, chunks[i].text)
    end
  end
  return table.concat(kept, "\n")
end

return prelude
