-- Directives as nginx inherits them: `levels` are the blocks from the outermost to the innermost.
-- Most directives are taken from the innermost block that has them, all of that one together.

local levels = {}

---@return table[]  -- the nodes of the innermost block that has any
function levels.all(list, name)
  for i = #list, 1, -1 do
    local found = {}
    for _, node in ipairs(list[i]) do
      if node.name == name then table.insert(found, node) end
    end
    if #found > 0 then return found, i end
  end
  return {}
end

---@return table? node
function levels.last(list, name)
  local found, level = levels.all(list, name)
  return found[#found], level
end

---@return string? -- its first word
function levels.word(list, name)
  local node = levels.last(list, name)
  return node and node.args[1]
end

---@return table[] -- with one more
function levels.with(list, block)
  local longer = { unpack(list) }
  table.insert(longer, block)
  return longer
end

-- The nodes of that name in one block.
function levels.here(block, name)
  local found = {}
  for _, node in ipairs(block) do
    if node.name == name then table.insert(found, node) end
  end
  return found
end

return levels
