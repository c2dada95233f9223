-- The directives of nginx's files as a tree, with what they include.
--
-- A directive: { name =, args = { words }, file =, line =, block = { directives } or nil }.

local lexer = require "neap.convert.nginx.lexer"
local source = require "neap.convert.source"

local tree = {}

local DEPTH, NODES = 64, 200000

local function wrong(l, text) return nil, ("%s:%d: %s"):format(l.file, l.line, text) end

local read_block

local function include(state, node, out, depth)
  local path = node.args[1]
  if not path then return nil, ("%s:%d: include what?"):format(node.file, node.line) end
  if path:sub(1, 1) ~= "/" then path = state.folder .. "/" .. path end
  local paths = source.is_glob(path) and source.glob(path) or { path }
  for _, one in ipairs(paths) do
    local bytes, why = state.source:read(one, state.includes)
    if bytes then
      state.includes = state.includes + 1
      local ok, bad = read_block(state, lexer.new(bytes, one), out, depth, true)
      state.includes = state.includes - 1
      if not ok then return nil, bad end
    elseif state.is_loop(why) then
      return nil, why
    else
      node.why = why
      table.insert(out, node)
    end
  end
  return true
end

-- The words of a directive up to what ends it.
local function read_words(l, node)
  while true do
    local kind, value, is_quoted = l:next()
    if not kind then return wrong(l, value) end
    if kind == ";" or kind == "{" then return kind end
    if kind ~= "word" then
      return wrong(l, ("'%s' does not end with a ; or a block"):format(node.name))
    end
    table.insert(node.args, value)
    if is_quoted then node.quoted = true end
  end
end

local function read_body(state, l, node, depth)
  if node.name:find "_by_lua_block$" then
    node.block = {}
    if not l:raw() then return wrong(l, "the Lua of a block has no end") end
    return true
  end
  node.block = {}
  return read_block(state, l, node.block, depth + 1, false)
end

local function add(state, l, out, name, depth)
  state.nodes = state.nodes + 1
  if state.nodes > NODES then return wrong(l, ("more than %d directives"):format(NODES)) end
  local node = { name = name, args = {}, file = l.file, line = l.line }
  local stop, why = read_words(l, node)
  if not stop then return nil, why end
  if stop == "{" then
    local ok, bad = read_body(state, l, node, depth)
    if not ok then return nil, bad end
  end
  if name == "include" and stop == ";" then return include(state, node, out, depth) end
  table.insert(out, node)
  return true
end

function read_block(state, l, out, depth, is_file)
  if depth > DEPTH then return wrong(l, ("blocks are more than %d deep"):format(DEPTH)) end
  while true do
    local kind, value = l:next()
    if not kind then return wrong(l, value) end
    if kind == "end" then
      if is_file then return true end
      return wrong(l, "a block has no end: } is missing")
    end
    if kind == "}" then
      if not is_file then return true end
      return wrong(l, "a } too much")
    end
    if kind ~= "word" then return wrong(l, ("'%s' where a directive begins"):format(kind)) end
    local ok, why = add(state, l, out, value, depth)
    if not ok then return nil, why end
  end
end

local function is_loop(why)
  return why:find("is it a loop", 1, true) or why:find("MiB of conf", 1, true)
    or why:find("more than %d+ files") -- linear: our own text
end

---@param bytes string  -- of the file
---@param path string
---@return table[]? directives, string? why
function tree.read(bytes, path, files)
  local state = { source = files, folder = source.folder_of(path), includes = 1, nodes = 0,
    is_loop = is_loop }
  local out = {}
  local ok, why = read_block(state, lexer.new(bytes, path), out, 0, true)
  if not ok then return nil, why end
  return out
end

return tree
