-- Directives as nginx inherits them: `levels` are the blocks from the outermost to the innermost.
-- Most directives are taken from the innermost block that has them, all of that one together.

local levels = {}

local ACCESS = { allow = true, deny = true }

-- By block, which may be very long and is asked for each of its locations: its nodes by name.
local indexes = setmetatable({}, { __mode = "k" })

local function add(index, name, node)
  index[name] = index[name] or {}
  table.insert(index[name], node)
end

local function index_of(block)
  local index = indexes[block]
  if not index then
    index = {}
    for _, node in ipairs(block) do
      add(index, node.name, node)
      if ACCESS[node.name] then add(index, "allow or deny", node) end
    end
    indexes[block] = index
  end
  return index
end

local NONE = {}

-- The nodes of that name in one block. "allow or deny": both, in their order.
---@return table[]
function levels.here(block, name) return index_of(block)[name] or NONE end

---@return table[]  -- the nodes of the innermost block that has any
function levels.all(list, name)
  for i = #list, 1, -1 do
    local found = levels.here(list[i], name)
    if #found > 0 then return found, i end
  end
  return NONE
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

return levels
