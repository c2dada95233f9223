-- Reads configuration files, within bounds: a file may be huge, and include itself.

local native = require "neap.native"

local source = {}
local Source = {}
Source.__index = Source

local FILES, BYTES, DEPTH = 500, 8 * 2^20, 16

---@param path string
---@return string  -- of a file
function source.folder_of(path) return path:match "^(.*)/[^/]*$" or "." end

-- The same, from the root: other files are named by it, wherever the new configuration stands.
function source.full_folder_of(path)
  local folder = source.folder_of(path)
  return native.real_path(folder == "" and "/" or folder) or folder
end

function source.new() return setmetatable({ files = 0, bytes = 0 }, Source) end

---@return string? bytes, string? why
function Source:read(path, depth)
  if (depth or 0) > DEPTH then
    return nil, ("%s: files include each other %d deep: is it a loop?"):format(path, DEPTH)
  end
  self.files = self.files + 1
  if self.files > FILES then return nil, ("%s: more than %d files"):format(path, FILES) end
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local bytes, why_not = file:read(BYTES + 1 - self.bytes)
  local after = bytes and file:read(0)
  file:close()
  if not bytes and why_not then return nil, ("%s: %s"):format(path, why_not) end
  bytes = bytes or ""
  self.bytes = self.bytes + #bytes
  if after or self.bytes > BYTES then
    return nil, ("%s: more than %d MiB of configuration"):format(path, BYTES / 2^20)
  end
  return bytes
end

-- A class ([a-c], [!x]) of a shell's pattern, and where it ends.
local function class_at(glob, at)
  local stop = glob:find("]", at + 2, true)
  if not stop then return "%[", at end
  local inside = glob:sub(at + 1, stop - 1)
  local negated = inside:find "^[!^]" ~= nil
  if negated then inside = inside:sub(2) end
  return "[" .. (negated and "^" or "") .. inside:gsub("[%%%]%[^]", "%%%0") .. "]", stop
end

-- The pattern of Lua for a part of a path with *, ? and classes.
local function pattern_of(glob)
  local parts, at = {}, 1
  while at <= #glob do
    local c = glob:sub(at, at)
    local part = c == "*" and ".*" or c == "?" and "." or nil
    if c == "[" then part, at = class_at(glob, at) end
    table.insert(parts, part or (c:gsub("[^%w]", "%%%0")))
    at = at + 1
  end
  return "^" .. table.concat(parts) .. "$"
end

local function is_glob(text) return text:find "[*?%[]" ~= nil end

source.is_glob = is_glob

local STARS = 8 -- more of them take a matcher that goes back too long

local function names_in(folder, part)
  local _, stars = part:gsub("%*", "")
  if stars > STARS or #part > 255 then return {} end
  local pattern, found = pattern_of(part), {}
  for _, name in ipairs(native.list_folder(folder) or {}) do
    local is_hidden = name:sub(1, 1) == "." and part:sub(1, 1) ~= "."
    -- linear: names have 255 bytes, and stars are few
    if not is_hidden and name:find(pattern) then table.insert(found, name) end
  end
  table.sort(found)
  return found
end

-- The paths that a shell's pattern stands for, sorted.
---@return string[]
function source.glob(path)
  local found = { path:sub(1, 1) == "/" and "/" or "" }
  for part in path:gmatch "[^/]+" do
    local next_ones = {}
    for _, base in ipairs(found) do
      if not is_glob(part) then
        table.insert(next_ones, base .. part .. "/")
      else
        for _, name in ipairs(names_in(base == "" and "." or base, part)) do
          if #next_ones <= FILES then table.insert(next_ones, base .. name .. "/") end
        end
      end
    end
    found = next_ones
  end
  for i, base in ipairs(found) do found[i] = base:sub(1, -2) end
  return found
end

return source
