-- The files of this repository, for specs that hold pages against the code.
--
--   tree.files(folder, ending) → paths       tree.exists(path)
--   tree.read(path)                          tree.code(path): C without comments
--   tree.includes(path) → what it includes   tree.number(name): an enumerator's value
--   tree.with(folder, pattern) → the paths whose code has it, sorted

local tree = {}
local codes, listed = {}, {}

function tree.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

function tree.files(folder, ending)
  local key = folder .. "\0" .. (ending or "")
  if not listed[key] then
    local list = {}
    local pipe = assert(io.popen(("find %s -type f | sort"):format(folder)))
    for path in pipe:lines() do
      if not ending or path:sub(-#ending) == ending then list[#list + 1] = path end
    end
    pipe:close()
    listed[key] = list
  end
  return listed[key]
end

-- A file or a folder.
function tree.exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

function tree.code(path)
  codes[path] = codes[path] or tree.read(path):gsub("/%*.-%*/", " "):gsub("//[^\n]*", " ")
  return codes[path]
end

function tree.includes(path)
  local list = {}
  for included in ("\n" .. tree.read(path)):gmatch '\n%s*#%s*include%s+["<]([^">]+)' do
    list[#list + 1] = included
  end
  return list
end

function tree.with(folder, pattern)
  local list = {}
  for _, path in ipairs(tree.files(folder)) do
    if tree.code(path):find(pattern) then list[#list + 1] = path end
  end
  return list
end

-- `NAME = 256 * 1024,` of an enum or `#define NAME 64` anywhere in src/.
function tree.number(name)
  for _, path in ipairs(tree.files "src") do
    local code = tree.code(path)
    local text = code:match("%f[%w_]" .. name .. "%s*=%s*([%d%s*+()x-]+)[,}]")
      or code:match("#define%s+" .. name .. "%s+(%d+)")
    if text then return assert(loadstring("return " .. text))() end
  end
  error("no " .. name .. " in src/", 2)
end

return tree
