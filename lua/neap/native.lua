-- Stands in for what the binary gives its runtime, where there is no binary around: in plain
-- LuaJIT, with these files on package.path. (In neap, package.loaded has its own neap.native.)

local native = { is_plain = true, is_worker = true }

local function read(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local bytes = file:read "*a"
  file:close()
  if not bytes then return nil, path .. ": not a file" end
  return bytes
end

native.read = read

function native.has(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- The folder above neap/.
local function root()
  return (assert(package.searchpath("neap.native", package.path)):match "^(.-)neap/native%.lua$")
end

-- The declarations of src/script/abi.h: an unpacked kit has them beside its modules.
local function declarations()
  local top = root()
  local text = read(top .. "neap/abi.h") or assert(read(top .. "../src/script/abi.h"))
  return text:match "/%* cdef begin %*/[^\n]*\n(.-)[^\n]*/%* cdef end %*/" or text
end

-- The source of a module, or nil.
function native.embedded(name)
  if name == "abi.h" then return declarations() end
  local path = package.searchpath(name, package.path)
  return path and read(path), path
end

-- The names of all modules under a prefix that ends in a dot.
function native.list(prefix)
  local folder = root() .. prefix:gsub("%.", "/")
  local names = {}
  local listing = io.popen(("ls '%s' 2>/dev/null"):format(folder:gsub("'", "'\\''")))
  for file in listing:lines() do
    local name = file:match "^([%w_]+)%.lua$"
    if name then table.insert(names, prefix .. name) end
  end
  listing:close()
  return names
end

return native
