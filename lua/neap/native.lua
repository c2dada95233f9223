-- Stands in for what the binary gives its runtime, if there is no binary around: in plain LuaJIT,
-- with these files on package.path. (In neap, package.loaded has its own neap.native.)

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

-- The headers of lower rooms whose numbers Lua needs, and those that are for both.
local NUMBERS = { "base/histogram.h", "base/log.h", "http/edits.h", "http/grpc.h",
  "http/h2_abuse.h",
  "shm/row_store.h", "shm/store.h", "shm/store_entry.h", "shm/store_place.h",
  "script/answer.h",
  "script/conn.h", "script/tls_text.h", "shm/board_plan.h", "shm/board_size.h",
  "shm/board_state.h", "shm/hook_id.h", "shm/row_backend.h", "shm/row_story.h", "shm/row_twice.h",
  "shm/stats.h",
  "crypto/tls_reason.h", "crypto/public_key.h", "crypto/jws.h",
  "net/datagram_key.h",
  "text/regex.h" }
local ABI = {
  "script/abi_board.h",
  "script/abi_datagram.h",
  "script/abi.h",
  "script/abi_wait.h",
  "script/abi_stats.h",
  "script/abi_history.h",
  "script/abi_gzip.h",
  "script/abi_record.h",
  "script/abi_fields.h",
  "script/abi_crypto.h",
  "script/abi_regex.h",
  "script/abi_acme.h",
  "script/abi_call.h",
  "script/abi_body.h",
  "script/abi_store.h",
  "script/abi_limit.h",
  "script/abi_lease.h",
  "script/abi_concurrency.h",
  "script/abi_route.h",
  "script/abi_file.h",
}

---@param path string  of a header
---@return string  what stands between its marks
local function marked(path)
  local text = assert(read(path))
  return (assert(text:match -- linear: of our own file
    "/%* cdef begin[^\n]*\n(.-)[^\n]*/%* cdef end %*/", path .. ": nothing is marked as cdef"))
end

-- Each name with NEAP_ before it, so that it meets no other's declarations in the same process.
local function numbers(path)
  local text = marked(path):gsub("/%*.-%*/", "") -- linear: of our own file
  return (text:gsub("%f[%w_]%u[%u%d_]+", "NEAP_%0"):gsub("enum (%l)", "enum neap_%1"))
end

-- What the FFI is told: an unpacked kit has it beside its modules.
local function declarations()
  local top = root()
  local made = read(top .. "neap/abi.h")
  if made then return made end
  local parts = {}
  for i, name in ipairs(NUMBERS) do parts[i] = numbers(top .. "../src/" .. name) end
  for _, name in ipairs(ABI) do table.insert(parts, marked(top .. "../src/" .. name)) end
  return table.concat(parts)
end

-- The headers that declarations come from, below src/: for the build.
---@return string[]
function native.headers()
  local all = { unpack(ABI) }
  for _, name in ipairs(NUMBERS) do table.insert(all, name) end
  return all
end

-- The source of a module, or a file of share/; or nil.
function native.embedded(name)
  if name == "abi.h" then return declarations() end
  if name:find "^share/" then return read(root() .. "../" .. name) end
  local path = package.searchpath(name, package.path)
  return path and read(path), path
end

-- The names in a folder.
function native.list_folder(path)
  local names = {}
  local listing = io.popen(("ls -a '%s' 2>/dev/null"):format(path:gsub("'", "'\\''")))
  for name in listing:lines() do table.insert(names, name) end
  listing:close()
  return names
end

function native.real_path(path) return path end

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
